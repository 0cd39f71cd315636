import type { Arrivals } from './load.ts';
import type { MeasuredStep } from './result.ts';

/** How a step did against the same step of the check before: shares, 0.1 is 10 % more; null where unknown. */
export interface StepChange {
  arrivals: Arrivals;
  ttftP95: number | null;
  e2eP95: number | null;
  outputTokensPerSecond: number | null;
}

export interface Change {
  /** When the check before was started. */
  since: string;
  steps: StepChange[];
}

/** Compares the steps that both checks have. */
export function compareSteps(
  since: string,
  before: readonly MeasuredStep[],
  now: readonly MeasuredStep[],
): Change {
  const steps = now.flatMap((step): StepChange[] => {
    const other = before.find((earlier) => labelOf(earlier.arrivals) === labelOf(step.arrivals));
    if (other === undefined) return [];
    return [
      {
        arrivals: step.arrivals,
        ttftP95: change(other.ttftMs.p95, step.ttftMs.p95),
        e2eP95: change(other.e2eMs.p95, step.e2eMs.p95),
        outputTokensPerSecond: change(other.outputTokensPerSecond, step.outputTokensPerSecond),
      },
    ];
  });
  return { since, steps };
}

/** `4 at once`, `2.5/s`. */
export function labelOf(arrivals: Arrivals): string {
  return arrivals.kind === 'closed'
    ? `${arrivals.concurrency} at once`
    : `${arrivals.ratePerSecond}/s`;
}

function change(before: number | null, now: number | null): number | null {
  return before === null || now === null || before <= 0 ? null : now / before - 1;
}
