import type { Advice } from '../result.ts';
import { batchable } from './batchable.ts';
import { cacheable } from './cacheable.ts';
import type { AdviceContext, Adviser } from './context.ts';
import { idleModels } from './idle-model.ts';
import { overRouted } from './over-routed.ts';
import { refinement } from './refinement.ts';

const ADVISERS: readonly Adviser[] = [overRouted, refinement, idleModels, cacheable, batchable];

/** What to change, the largest saving first. */
export function advise(context: AdviceContext): Advice[] {
  if (context.hours <= 0) return [];
  const worth = ({ savedPerMonthUsd: saved }: Advice): number => saved?.estimate ?? -1;
  return ADVISERS.flatMap((adviser) => adviser(context)).sort((a, b) => worth(b) - worth(a));
}
