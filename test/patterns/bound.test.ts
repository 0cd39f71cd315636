import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededIndex } from '../../src/core/random.ts';
import { askProbability, type Observation } from '../../src/patterns/bound.ts';

const BOUND = { delta: 0.02, leastObservations: 6 };
const observation = fc.record({
  similarity: fc.double({ min: 0.5, max: 1, noNaN: true }),
  correct: fc.boolean(),
});

describe('how often to ask although something is remembered', () => {
  test('always, with fewer than six observations', () => {
    fc.assert(
      fc.property(
        fc.array(observation, { maxLength: 5 }),
        (observations) => askProbability(observations, 1, BOUND) === 1,
      ),
    );
  });

  test('a probability, and no higher for a prompt that is more alike', () => {
    fc.assert(
      fc.property(
        fc.array(observation, { minLength: 6, maxLength: 40 }),
        fc.double({ min: 0.5, max: 0.99, noNaN: true }),
        (observations, similarity) => {
          const ask = askProbability(observations, similarity, BOUND);
          const closer = askProbability(observations, similarity + 0.01, BOUND);
          expect(ask).toBeGreaterThanOrEqual(0);
          expect(ask).toBeLessThanOrEqual(1);
          expect(closer).toBeLessThanOrEqual(ask + 1e-9);
        },
      ),
    );
  });

  test('less often the more often it was right, nearly always where it was wrong', () => {
    const right = (n: number): Observation[] =>
      Array.from({ length: n }, () => ({ similarity: 0.95, correct: true }));
    const few = askProbability(right(6), 0.96, BOUND);
    const many = askProbability(right(100), 0.96, BOUND);
    expect(many).toBeLessThan(few);
    const wrong = right(20).map(({ similarity }) => ({ similarity, correct: false }));
    expect(askProbability(wrong, 0.96, BOUND)).toBeGreaterThan(0.9);
  });

  test('of the answers of entries whose truth is a logistic, at most δ are wrong', () => {
    const random = seededIndex(7);
    const uniform = (): number => random(2 ** 30) / 2 ** 30;
    let answers = 0;
    let wrong = 0;
    let reused = 0;
    for (let entry = 0; entry < 200; entry++) {
      const place = 0.75 + uniform() * 0.2;
      const slope = 15 + uniform() * 40;
      const seen: Observation[] = [];
      for (let request = 0; request < 60; request++) {
        const similarity = 0.7 + uniform() * 0.3;
        const correct = uniform() < 1 / (1 + Math.exp(-slope * (similarity - place)));
        answers += 1;
        if (uniform() >= askProbability(seen, similarity, BOUND)) {
          reused += 1;
          if (!correct) wrong += 1;
        } else {
          seen.push({ similarity, correct });
        }
      }
    }
    expect(reused).toBeGreaterThan(0);
    expect(wrong / answers).toBeLessThanOrEqual(BOUND.delta);
  });
});
