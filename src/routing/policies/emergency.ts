import type { Config } from '../../config/schema.ts';
import type { EmergencyTrigger, TargetState } from '../decision.ts';
import { isLocal } from './policy.ts';

/**
 * Why the cloud may answer although it is for emergencies only; `undefined` while it may not.
 * @param localFailures calls of local targets that failed one after the other
 */
export function emergencyTrigger(
  targets: readonly TargetState[],
  localFailures: number,
  { emergency }: Pick<Config['routing'], 'emergency'>,
): EmergencyTrigger | undefined {
  if (localFailures >= emergency.localFailures) return 'local-failures';
  const local = targets.filter(isLocal);
  const here = local.filter(({ gone }) => gone === undefined);
  const [lost] = local;
  if (here.length === 0) return lost?.gone ?? 'model-not-loaded';
  if (here.every(({ latency }) => latency !== undefined && latency.ttftMs > emergency.latencyMs)) {
    return 'latency';
  }
  const isPoor = here.every(
    ({ quality }) => quality !== undefined && quality.mean < emergency.quality,
  );
  return isPoor ? 'quality' : undefined;
}
