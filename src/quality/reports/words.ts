import type { CandidateReport, LatencySummary, Power, SideReport, Verdict } from '../result.ts';
import { formatMs, formatPercent, formatRatio, formatUsd, NONE, plural } from './format.ts';

/** The one word that the reports open with. */
export const HEADLINES: Record<Verdict['state'], string> = {
  pass: 'GO',
  marginal: 'MARGINAL',
  fail: 'NO-GO',
  inconclusive: 'INCONCLUSIVE',
  partial: 'SHARD',
};

/** One sentence: what was compared with what, and what came out. */
export function verdictSentence(candidate: CandidateReport, reference: SideReport): string {
  const { verdict } = candidate;
  if (verdict.ratio === null) {
    return `${candidate.id} could not be compared with ${reference.id}.`;
  }
  const ratio = `${formatRatio(verdict.ratio)} times the score of ${reference.id}`;
  return `${candidate.id} reached ${ratio}${interval(verdict)}.`;
}

function interval(verdict: Verdict): string {
  if (verdict.lower === null && verdict.upper === null) return '';
  return ` (95 % bounds ${formatRatio(verdict.lower)} to ${formatRatio(verdict.upper)})`;
}

/** `0.851 to 0.943`, or nothing known. */
export function boundsOf({ lower, upper }: { lower: number | null; upper: number | null }): string {
  if (lower === null && upper === null) return NONE;
  return `${formatRatio(lower)} to ${formatRatio(upper)}`;
}

/** Whether the verdict would stand under the strict rule, which judges by the lower bound alone. */
export function strictLine(verdict: Verdict): string {
  const bound = `lower bound ${formatRatio(verdict.lower)}, 0.90 asked`;
  return `Strict line: ${verdict.strict ? 'reached' : 'not reached'} (${bound})`;
}

/** What a run of this size can tell, in sentences; none where there is no interval. */
export function powerLines(power: Power | null): string[] {
  if (power === null) return [];
  const { clusters, margin, passChance, clustersForPass, clustersForStrict } = power;
  const chances = passChance.map(({ trueRatio, chance }, index) =>
    index === 0
      ? `${trueRatio.toFixed(2)} would be a GO in ${formatPercent(chance)} of such runs`
      : `${trueRatio.toFixed(2)} in ${formatPercent(chance)}`,
  );
  const needs = [
    ...(clustersForPass !== null && clustersForPass > clusters
      ? [`GO would take about ${clustersForPass} of them`]
      : []),
    ...(clustersForStrict !== null && clustersForStrict > clusters
      ? [`the strict line would take about ${clustersForStrict} of them`]
      : []),
  ];
  return [
    `Power: with ${plural(clusters, 'independent task')} the lower bound lies ${margin.toFixed(3)} below the ratio. A true ratio of ${chances.join(', ')}`,
    ...(needs.length === 0 ? [] : [`At this ratio and spread ${needs.join(', ')}`]),
  ];
}

/** `$0.0123`, `$0` for nothing, a dash for what is not known. */
export function costLine({ costUsd }: SideReport): string {
  return costUsd === null
    ? `${NONE} (a price or a count of tokens is not known)`
    : formatUsd(costUsd);
}

/** Percentiles of a side's latency, and of how many answers they are. */
export function latencyLine(side: SideReport): string {
  const { p50, p95, p99, measured } = side.latencyMs;
  if (measured === 0) return `not measured (${provenance(side.latencyMs)})`;
  const percentiles = `P50 ${formatMs(p50)} · P95 ${formatMs(p95)} · P99 ${formatMs(p99)}`;
  return `${percentiles} (${provenance(side.latencyMs)})`;
}

/** How many answers were timed in this run, and how many came from a recording. */
export function provenance(latency: LatencySummary): string {
  return `${latency.measured} measured, ${latency.cached} cached`;
}

/** `5 of 6 tasks graded, 1 infrastructure error`. */
export function gradedLine(side: SideReport): string {
  const graded = side.tasks.filter((task) => task.state === 'graded').length;
  const errors = side.tasks.length - graded;
  const all = `${graded} of ${plural(side.tasks.length, 'task')} graded`;
  const words = [
    all,
    ...(errors === 0 ? [] : [plural(errors, 'infrastructure error')]),
    ...(side.errorRetries === 0 ? [] : [plural(side.errorRetries, 'retry', 'retries')]),
  ];
  return words.join(', ');
}

/** How to read the figures; the same words in every report that has room for them. */
export const READING: readonly string[] = [
  'Score: 0–10 per task, a tenth of up to 100 points. Answers are graded by running them or against measured truth; docs/grading.md says how, category by category.',
  'Ratio: mean score of the candidate over mean score of the reference, task by task on the same tasks. The bounds are one-sided 95 % bounds.',
  'GO: ratio at least 0.90 and lower bound at least 0.85. MARGINAL: ratio at least 0.85. NO-GO: below. INCONCLUSIVE: too little data, too many infrastructure errors, or a reference too weak to compare with.',
  'The verdict is over all tasks together; a category decides by itself only where it has a threshold. Groups of complexity are for readers.',
  'Salvaged n/m: the answer did not parse as it stood; n of its m tests could be kept. Looped: stopped because it repeated itself. Truncated: it ended at the token limit. Replayed: the answer comes from a recording, and its times are in no percentile.',
  `${NONE} means that there is no value. It never stands for 0.`,
];
