import { describe, expect, it } from 'vitest';
import {
  BY_BETTING,
  BY_PEEKING,
  HEALTHY,
  SIMULATED_PLAN,
  simulateRollout,
  type Outcome,
  type Rule,
} from './simulated.ts';

const SIZE = { plan: SIMULATED_PLAN, every: 50, most: 1000 };

function many(count: number, ratio: number, rule: Rule, more = HEALTHY): Outcome[] {
  return Array.from({ length: count }, (_, seed) =>
    simulateRollout({ ...SIZE, world: { ratio, ...more }, rule, seed: seed + 1 }),
  );
}

const share = (outcomes: readonly Outcome[], is: (outcome: Outcome) => boolean): number =>
  outcomes.filter(is).length / outcomes.length;
const wentUp = ({ advances }: Outcome): boolean => advances > 0;
const wentDown = ({ end, steppedDown }: Outcome): boolean =>
  end === 'rolled back' || steppedDown > 0;

/** `npm run verify -- rollout-simulation` does the same for thousands, with intervals. */
describe('whole rollouts, simulated', () => {
  it('complete where the candidate is better, and go nowhere where it is worse', () => {
    const better = many(10, 1.1, BY_BETTING);
    expect(share(better, ({ end }) => end === 'completed')).toBe(1);
    expect(better.every(wentDown)).toBe(false);
    const worse = many(20, 0.8, BY_BETTING);
    expect(share(worse, ({ end }) => end === 'rolled back')).toBe(1);
    expect(share(worse, wentUp)).toBe(0);
    // All of it in the shadow: nobody was served.
    expect(Math.max(...worse.map(({ served }) => served))).toBe(0);
  });

  it('are seldom wrong on the border, where a t-test at each look often is', () => {
    const wrong = (outcome: Outcome): boolean => wentUp(outcome) || wentDown(outcome);
    const betting = share(many(60, 0.95, BY_BETTING), wrong);
    const peeking = share(many(60, 0.95, BY_PEEKING), wrong);
    expect(betting).toBeLessThanOrEqual(0.1);
    expect(peeking).toBeGreaterThan(0.3);
  });

  it('go back where calls fail or answers are slow, however good these are', () => {
    for (const ill of [
      { errors: 0.08, slower: 1 },
      { errors: 0.005, slower: 2.5 },
    ]) {
      expect(share(many(10, 1.1, BY_BETTING, ill), ({ end }) => end === 'rolled back')).toBe(1);
    }
  });

  it('tell the same for the same seed', () => {
    expect(many(2, 1, BY_BETTING)).toEqual(many(2, 1, BY_BETTING));
  });
});
