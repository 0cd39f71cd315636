import type { RatioInterval } from '../../core/intervals.ts';
import { HOURS_PER_MONTH } from './hardware.ts';
import { isAnswer } from './kinds.ts';
import type { Calibration } from './pairs.ts';
import type { Interval, Roi, Savings } from './result.ts';
import type { Cell } from './tally.ts';

const NANO = 1e9;

/**
 * Without a single pair: tokenizers differ, and so do the lengths of answers. Half as much again
 * either way is an assumption, and is told as one.
 */
const ASSUMED: Interval = { lower: 2 / 3, estimate: 1, upper: 1.5 };

/** What a fleet on Claude alone would have paid, and what this one did. */
export interface Costs {
  /** Billed for answers and retries elsewhere: paid in both worlds. */
  elsewhereUsd: number;
  /** Local answers, their tokens at Claude's price. */
  atClaudeUsd: number;
  answers: number;
  /** All that was billed, and what machines cost. */
  actualUsd: number;
}

export function newCosts(): Costs {
  return { elsewhereUsd: 0, atClaudeUsd: 0, answers: 0, actualUsd: 0 };
}

export function addCost(to: Costs, { kind, sums, hardwareUsd, atClaudeUsd }: Cell): void {
  const usd = sums.nanoUsd / NANO;
  to.actualUsd += usd + hardwareUsd;
  if (!kind.selfHosted && (kind.purpose === 'answer' || kind.purpose === 'retry')) {
    to.elsewhereUsd += usd;
  }
  if (!kind.selfHosted || !isAnswer(kind)) return;
  to.atClaudeUsd += atClaudeUsd;
  to.answers += sums.attempts;
}

/** The ratio as it was measured, or the assumed one. */
export function ratioOf(calibration: Calibration | undefined): Interval {
  if (calibration === undefined) return ASSUMED;
  const { ratio, lower, upper }: RatioInterval = calibration.ratio;
  return { lower: Math.max(0, lower), estimate: ratio, upper };
}

export function savedUsd(
  { elsewhereUsd, atClaudeUsd, actualUsd }: Costs,
  ratio: Interval,
): Interval {
  return mapped(ratio, (times) => elsewhereUsd + times * atClaudeUsd - actualUsd);
}

/** @param reference what would have been asked */
export function savingsOf(
  costs: Costs,
  reference: string,
  calibration: Calibration | undefined,
): Savings {
  const { elsewhereUsd, atClaudeUsd, answers, actualUsd } = costs;
  if (answers === 0) return { state: 'unknown', why: 'No local model has answered in this time.' };
  const ratio = ratioOf(calibration);
  const allClaudeUsd = mapped(ratio, (times) => elsewhereUsd + times * atClaudeUsd);
  const saved = savedUsd(costs, ratio);
  return {
    state: 'estimated',
    reference,
    basis: calibration?.basis ?? 'assumed',
    pairs: calibration?.pairs ?? 0,
    ratio,
    answers,
    allClaudeUsd,
    actualUsd,
    savedUsd: saved,
    savedShare:
      allClaudeUsd.lower > 0 ? mapped(allClaudeUsd, (all) => (all - actualUsd) / all) : null,
  };
}

/** When an investment is earned back, and what it returns, if months go on like the hours of a report. */
export function roiOf(investmentUsd: number, saved: Interval, hours: number): Roi | null {
  if (hours <= 0) return null;
  const monthly = mapped(saved, (usd) => (usd / hours) * HOURS_PER_MONTH);
  const months = (usd: number): number | null => (usd > 0 ? investmentUsd / usd : null);
  const returnAfter = (count: number): Interval =>
    mapped(monthly, (usd) =>
      investmentUsd === 0 ? 0 : (usd * count - investmentUsd) / investmentUsd,
    );
  return {
    investmentUsd,
    savedPerMonthUsd: monthly,
    breakEvenMonths: {
      soonest: months(monthly.upper),
      estimate: months(monthly.estimate),
      latest: months(monthly.lower),
    },
    returnAfter12Months: returnAfter(12),
    returnAfter36Months: returnAfter(36),
  };
}

/** For a function that grows with its argument. */
export function mapped(
  { lower, estimate, upper }: Interval,
  of: (value: number) => number,
): Interval {
  return { lower: of(lower), estimate: of(estimate), upper: of(upper) };
}
