import type { Priority } from '../../core/task.ts';
import type { TargetState } from '../decision.ts';
import { levelOf } from './order.ts';
import { isLocal, sortedBy, type Choice, type DecideInput, type Policy } from './policy.ts';
import { evidenceFor, standing } from './quality.ts';

/** Share of a target's places that may be taken before a request goes elsewhere: high priority waits. */
const ROOM: Readonly<Record<Priority, number>> = { high: Infinity, medium: 1, low: 0.5 };

/** A busy local server gets smaller models, or another server the work. */
export const loadPolicy: Policy = { id: 'load', choose };

function choose(order: readonly TargetState[], input: DecideInput): Choice | undefined {
  const [first] = order;
  const share = ROOM[input.request.priority ?? 'medium'];
  if (first === undefined || !isLocal(first) || !isBusy(first, share)) return undefined;
  const others = order.filter(
    (target) =>
      isLocal(target) &&
      target.spec !== first.spec &&
      !isBusy(target, share) &&
      target.breaker !== 'open' &&
      target.gone === undefined &&
      sizeOf(target) <= sizeOf(first) &&
      standing(evidenceFor(target, input.neighbours), input.settings.quality) !== 'refuted',
  );
  const [relief] = sortedBy(others, (target) => -sizeOf(target));
  if (relief === undefined) return undefined;
  const { inFlight, concurrency } = first;
  return {
    order: [relief, ...order.filter((target) => target !== relief)],
    reason: `${first.spec} is busy (${inFlight} of ${concurrency} places taken).`,
    whyNot: (target) => (target === first ? 'busy' : undefined),
  };
}

function isBusy({ inFlight, concurrency }: TargetState, share: number): boolean {
  return inFlight > 0 && inFlight >= concurrency * share;
}

/** By the work that a model is meant for; one that is meant for any is as large as they come. */
function sizeOf({ suits }: TargetState): number {
  return suits === undefined ? Infinity : levelOf(suits);
}
