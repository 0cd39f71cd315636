import { AppError } from '../../../core/errors.ts';

/**
 * A single word that is nearly the name of a sub-command is no prompt.
 * @throws AppError `usage.unknown-command`
 */
export function refuseMistyped(words: string | undefined, names: readonly string[]): void {
  if (words === undefined || !/^[a-z]{4,12}$/.test(words)) return;
  const meant = names.find((name) => editsBetween(words, name) <= 2);
  if (meant === undefined) return;
  throw new AppError('usage.unknown-command', `unknown command '${words}'`, {
    hint: `Did you mean ${meant}? To ask just that: echo ${words} | aqe-llm route`,
  });
}

/** Letters to insert, remove or replace to make one word the other (Levenshtein's distance). */
function editsBetween(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [index, letter] of Array.from(one).entries()) {
    const next = [index + 1];
    for (const [at, wanted] of Array.from(other).entries()) {
      const [diagonal = 0, above = 0] = row.slice(at, at + 2);
      const left = next[at] ?? 0;
      next.push(Math.min(diagonal + (letter === wanted ? 0 : 1), above + 1, left + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
