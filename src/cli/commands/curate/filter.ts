import type { TaskCategory } from '../../../core/task.ts';
import type { PatternFilter } from '../../../patterns/store.ts';
import { scopeOf } from '../../scope.ts';

/** The options that choose patterns, as commander gives them. */
export interface FilterFlags {
  category?: TaskCategory;
  below?: number;
  minConfidence?: number;
  minUses?: number;
  quarantined?: boolean;
  unverified?: boolean;
  text?: string;
  scope?: string[];
}

/** @throws AppError `usage.scope` */
export function filterOf(flags: FilterFlags): PatternFilter {
  const { category, below, minConfidence, minUses, quarantined, unverified, text, scope } = flags;
  return {
    ...(category === undefined ? {} : { category }),
    ...(below === undefined ? {} : { belowConfidence: below }),
    ...(minConfidence === undefined ? {} : { minConfidence }),
    ...(minUses === undefined ? {} : { minUses }),
    ...(quarantined === undefined ? {} : { quarantined }),
    ...(unverified === undefined ? {} : { verified: !unverified }),
    ...(text === undefined ? {} : { text }),
    ...(scope === undefined ? {} : { scope: scopeOf(scope) }),
  };
}
