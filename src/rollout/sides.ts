import type { Config } from '../config/schema.ts';
import { AppError, type Problem } from '../core/errors.ts';
import { isOfSide, TIERS } from '../routing/decision.ts';
import type { RoutableModel } from '../routing/router.ts';
import type { Plan } from './plan.ts';

/**
 * Whether the configuration lets both sides of a plan answer.
 * @throws AppError `rollout.sides` with every reason why not
 */
export function checkSides(
  { candidate, reference }: Plan,
  { routing, tiers }: Pick<Config, 'routing' | 'tiers'>,
  models: readonly Pick<RoutableModel, 'id' | 'tier'>[],
): void {
  const problems: Problem[] = [];
  const isTier = (side: string): boolean => TIERS.some((tier) => tier === side);
  const known = models.map(({ id, tier }) => ({ tier, spec: id }));
  for (const [path, side] of Object.entries({ reference, candidate })) {
    // A local tier that is not configured is as the other one; each model is listed once.
    const isThere =
      side === 'cloud'
        ? tiers.cloud !== undefined
        : isTier(side) || known.some((target) => isOfSide(target, side));
    if (!isThere) problems.push({ path, message: `no tier has ${side} now` });
  }
  const inCloud = (side: string): boolean =>
    side === 'cloud' || known.some(({ tier, spec }) => tier === 'cloud' && spec === side);
  if (inCloud(reference) || inCloud(candidate)) {
    if (routing.strategy === 'privacy-first') {
      const message = 'privacy-first lets no prompt go to the cloud';
      problems.push({ path: 'routing.strategy', message });
    }
    if (routing.cloud !== 'ordinary') {
      const message = `expected ordinary: with ${routing.cloud} the cloud does not answer its share`;
      problems.push({ path: 'routing.cloud', message });
    }
  }
  if (problems.length === 0) return;
  throw new AppError('rollout.sides', 'The configuration does not let both sides answer.', {
    problems,
    hint: 'tiers and routing in the configuration say who may be asked; aqe-llm serve-check who is there.',
  });
}
