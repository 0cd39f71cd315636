import { mean } from '../../core/statistics.ts';

/** How fast a live side has answered before. */
export interface Pace {
  /** Answers that it was learned from. */
  answers: number;
  /** Milliseconds from one answer to the next, several under way at once where the side allows it. */
  paceMs: number;
}

/** Longer than so many answers take is a pause of the run, not the model's pace. */
const PAUSE = 3;

/** @param answers in any order; `answeredAt` in milliseconds since the Unix epoch */
export function paceOf(
  answers: readonly { runId: string; ms: number; answeredAt: number }[],
): Pace | undefined {
  if (answers.length === 0) return undefined;
  const latency = mean(answers.map(({ ms }) => ms));
  const ordered = answers.toSorted((a, b) => a.answeredAt - b.answeredAt);
  const gaps = ordered.flatMap((answer, index) => {
    const before = ordered[index - 1];
    if (before?.runId !== answer.runId) return [];
    const gap = answer.answeredAt - before.answeredAt;
    return gap <= PAUSE * latency ? [gap] : [];
  });
  return { answers: answers.length, paceMs: gaps.length === 0 ? latency : mean(gaps) };
}
