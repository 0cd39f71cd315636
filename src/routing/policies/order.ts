import { COMPLEXITIES, type Complexity } from '../../core/task.ts';
import { TIERS, type Description, type TargetState, type Tier } from '../decision.ts';
import { sortedBy } from './policy.ts';

/** A target for any work stands behind those meant for this work or harder, before those for easier work. */
const FOR_ANY = COMPLEXITIES.length;

/** How far a model is from the work: 0 is meant for just this, harder work comes next, easier work last. */
export function misfit({ suits }: Pick<TargetState, 'suits'>, complexity: Complexity): number {
  if (suits === undefined) return FOR_ANY;
  const harder = levelOf(suits) - levelOf(complexity);
  return harder >= 0 ? harder : FOR_ANY - harder;
}

export function levelOf(complexity: Complexity): number {
  return COMPLEXITIES.indexOf(complexity);
}

/**
 * Targets in the order that complexity alone asks for: local tiers first, and in a tier the model
 * that fits the work. Simple work has no use for an orchestra: there the direct tier goes first.
 */
export function rankByFit(
  targets: readonly TargetState[],
  { complexity }: Description,
): TargetState[] {
  const tiers: readonly Tier[] =
    complexity === 'simple' ? ['direct', 'orchestrated', 'cloud'] : TIERS;
  return sortedBy(
    targets,
    ({ tier }) => tiers.indexOf(tier),
    (target) => misfit(target, complexity),
  );
}
