import type { Config } from '../config/schema.ts';
import { AppError } from '../core/errors.ts';
import type {
  Decision,
  Description,
  EmergencyTrigger,
  Neighbour,
  RouteRequest,
  Rung,
  TargetState,
  Tier,
} from './decision.ts';

export interface DecideInput {
  request: RouteRequest;
  description: Description;
  targets: readonly TargetState[];
  settings: Config['routing'];
  neighbours: readonly Neighbour[];
  rollout?: (request: RouteRequest, description: Description) => Tier | undefined;
}

/** Who is asked, one after the other. */
export function decide(input: DecideInput): Decision {
  const { request, description, targets, settings, neighbours } = input;
  const isWalled = request.private === true || settings.strategy === 'privacy-first';
  const rungs = targets
    .filter((it) => !isWalled || (it.maySeePrivate && it.tier !== 'cloud'))
    .filter(
      (it) => request.model === undefined || request.model === 'auto' || it.spec === request.model,
    )
    .map(({ tier, spec, maySeePrivate }): Rung => ({
      tier,
      spec,
      maySeePrivate,
      ...(tier === 'cloud' && settings.cloud === 'emergency-only' ? { emergencyOnly: true } : {}),
    }));
  const [first, ...others] = rungs;
  if (first === undefined) throw new AppError('route.nobody', 'Nobody may be asked.');
  return {
    policy: 'order',
    narrowedBy: [],
    strategy: settings.strategy,
    description,
    ladder: [first, ...others],
    confidence: description.confidence,
    reasons: [],
    rejected: [],
    neighbours,
  };
}

/** Why the cloud may answer although it is for emergencies only. */
export function emergencyTrigger(
  _targets: readonly TargetState[],
  localFailures: number,
  { emergency }: Config['routing'],
): EmergencyTrigger | undefined {
  return localFailures >= emergency.localFailures ? 'local-failures' : undefined;
}
