import type { RandomIndex } from '../core/random.ts';
import type { CompletionRequest } from '../core/request.ts';

const SUBJECTS = ['date range', 'price list', 'retry queue', 'text index', 'access rule', 'cache'];
const VERBS = ['merges', 'parses', 'rounds', 'sorts', 'validates', 'limits'];
const DOUBTS = [
  'an empty input',
  'duplicates',
  'negative numbers',
  'very long names',
  'a clock that jumps',
];

/**
 * Requests of about the same size, no two of which begin alike: a server's prefix cache helps with none.
 * @returns a source of requests, the same for the same `randomIndex`
 */
export function uniqueRequests(
  randomIndex: RandomIndex,
  maxTokens: number,
): () => CompletionRequest {
  const pick = (words: readonly string[]): string => words[randomIndex(words.length)] ?? '';
  let count = 0;
  return () => {
    count += 1;
    // What differs comes first, since caches compare from the beginning.
    const name = `${count}-${randomIndex(2 ** 31).toString(36)}`;
    const content =
      `Case ${name}. A function ${pick(VERBS)} a ${pick(SUBJECTS)}. ` +
      `Describe in detail ten tests for it, one paragraph each: what goes in, what must come out, and why. ` +
      `Think of ${pick(DOUBTS)} and of ${pick(DOUBTS)}, and say for each test which mistake it would catch.`;
    return {
      messages: [{ role: 'user', content }],
      maxTokens,
      temperature: 0,
      seed: count,
      repeat: 0,
    };
  };
}
