import Table from 'cli-table3';
import { formatMs, formatPercent, NO_BORDERS, plural } from '../reports/format.ts';
import type { Criterion, CriterionName, IndependenceReport } from './independence.ts';

const NAMES: Record<CriterionName, string> = {
  local: 'answered locally',
  cloud: 'answered by the cloud',
  quality: 'quality, as a share of the written answers',
  p50Ms: 'latency, median',
  p95Ms: 'latency, 95th percentile',
  monthlyUsd: 'cost a month',
  uptime: 'requests answered at all',
};
/** Criteria whose limit must not be reached; the others must reach it. */
const BELOW = new Set<CriterionName>(['cloud', 'p50Ms', 'p95Ms', 'monthlyUsd']);

const HEADLINES: Record<IndependenceReport['verdict'], string> = {
  independent: 'INDEPENDENT: every criterion is met.',
  'not-independent': 'NOT INDEPENDENT: a criterion is missed.',
  inconclusive: 'INCONCLUSIVE: no criterion is missed, but not all could be judged.',
};

/** For a terminal. */
export function validationTable(report: IndependenceReport): string {
  const table = new Table({
    head: ['criterion', 'found', 'wanted', ''],
    chars: NO_BORDERS,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
  });
  for (const criterion of report.criteria) table.push(rowOf(criterion));
  const { run } = report;
  return [
    `${HEADLINES[report.verdict]} ${run.plan.candidate}, run ${run.id}`,
    '',
    table.toString(),
    '',
    ...sentences(report),
  ].join('\n');
}

/** For a CI summary. */
export function validationMarkdown(report: IndependenceReport): string {
  const rows = report.criteria.map((criterion) => `| ${rowOf(criterion).join(' | ')} |`);
  return [
    `### aqe-llm validation: ${HEADLINES[report.verdict]}`,
    '',
    '| criterion | found | wanted | |',
    '| --- | ---: | ---: | --- |',
    ...rows,
    '',
    ...sentences(report).map((sentence) => `- ${sentence}`),
    '',
  ].join('\n');
}

function rowOf({ name, state, value, limit, why }: Criterion): string[] {
  const found = value === null ? '–' : valueOf(name, value);
  const wanted = `${BELOW.has(name) ? '<' : '≥'} ${valueOf(name, limit)}`;
  return [NAMES[name], found, wanted, why === undefined ? state : `${state}: ${why}`];
}

function valueOf(name: CriterionName, value: number): string {
  switch (name) {
    case 'p50Ms':
    case 'p95Ms':
      return formatMs(value);
    case 'monthlyUsd':
      return `$${value.toFixed(2)}`;
    default:
      return `${(value * 100).toFixed(1)} %`;
  }
}

function sentences(report: IndependenceReport): string[] {
  const { run, tasks, bases, unvaried, quality, errors, latency, cost } = report;
  const { plan } = run;
  const lower =
    quality.lower === null ? '' : `, one-sided 95 % lower bound ${quality.lower.toFixed(3)}`;
  const mean = (score: number | null): string => (score === null ? '–' : score.toFixed(2));
  return [
    `${plural(tasks.total, 'task')}, variations of ${plural(bases, 'task')} of ${plan.suiteName}; ${plural(tasks.duplicates, 'duplicate')}.`,
    `All went through the router: ${tasks.local} were answered locally, ${tasks.cloud} by the cloud, ${tasks.total - tasks.answered} by nobody.`,
    quality.graded === 0
      ? 'No answer was graded.'
      : `Graded by running them: ${quality.graded} of the answers, mean ${mean(quality.candidate)} of 10 (written answers ${mean(quality.gold)})${lower}. The other ${tasks.answered - quality.graded} were not looked at.`,
    ...(quality.graded === 0
      ? []
      : [
          `On ${quality.changed} of these ${quality.graded} the unchanged answer of the suite fails: ${formatPercent(quality.changed / quality.graded)} of the changes change what is right.`,
        ]),
    latency.timed === 0
      ? 'No answer was timed.'
      : `Latency over ${latency.timed} of ${tasks.answered} answers.`,
    `Cost: $${cost.usd.toFixed(4)} for this run, reckoned for ${plan.monthlyRequests.toLocaleString('en')} requests a month, and $${plan.infrastructureUsd} for machines.`,
    ...errors.map(({ code, count }) => `Not answered: ${count} × ${code}.`),
    ...(unvaried.length === 0 ? [] : [`No variations could be made of ${unvaried.join(', ')}.`]),
  ];
}
