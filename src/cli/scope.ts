import { AppError } from '../core/errors.ts';
import { SCOPE_KEYS, type Scope } from '../patterns/pattern.ts';

/**
 * What `--scope` says, given once for each key.
 * @throws AppError `usage.scope`
 */
export function scopeOf(words: readonly string[]): Scope {
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
