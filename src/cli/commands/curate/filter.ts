import { AppError } from '../../../core/errors.ts';
import type { TaskCategory } from '../../../core/task.ts';
import { SCOPE_KEYS, type Scope } from '../../../patterns/pattern.ts';
import type { PatternFilter } from '../../../patterns/store.ts';

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

function scopeOf(words: readonly string[]): Scope {
  const scope: Scope = {};
  for (const word of words) {
    const [name = '', ...rest] = word.split('=');
    const key = SCOPE_KEYS.find((known) => known === name);
    const value = rest.join('=');
    if (key === undefined || value === '') {
      throw new AppError('usage.scope', `--scope ${word} is no key and value.`, {
        hint: `Keys are ${SCOPE_KEYS.join(', ')}, as in --scope repository=shop.`,
      });
    }
    scope[key] = value;
  }
  return scope;
}
