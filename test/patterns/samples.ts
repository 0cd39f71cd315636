import { seededIndex } from '../../src/core/random.ts';
import type { Pattern } from '../../src/patterns/pattern.ts';
import type { NewPattern, Space } from '../../src/patterns/store.ts';

export const SPACE: Space = { embedder: 'test:small', dimension: 16 };

const vectors = new Map<number, Float32Array>();

/** A point of the unit sphere that the same number always gives. */
export function vectorAt(number: number): Float32Array {
  const known = vectors.get(number);
  if (known !== undefined) return known;
  const index = seededIndex(number + 1);
  const values = Float32Array.from({ length: SPACE.dimension }, () => index(2_000_001) / 1e6 - 1);
  const length = Math.hypot(...values);
  const vector = values.map((value) => value / length);
  vectors.set(number, vector);
  return vector;
}

export function patternAt(number: number, change: Partial<Pattern> = {}): NewPattern {
  const pattern: Pattern = {
    id: `p${number}`,
    name: `pattern ${number}`,
    prompt: `Write tests for part ${number}.`,
    answer: `test('part ${number}', () => {});`,
    category: 'test-generation',
    scope: {},
    belief: { alpha: 3, beta: 1 },
    uses: 0,
    outcomes: { good: 0, bad: 0 },
    verified: 'no',
    provenance: { source: 'import', origin: `file:${number}` },
    createdAt: 1000,
    updatedAt: 1000,
    ...change,
  };
  return { pattern, vector: vectorAt(number) };
}

export function patterns(from: number, to: number): NewPattern[] {
  return Array.from({ length: to - from }, (_, index) => patternAt(from + index));
}
