import { tellingOf } from '../kinds/tellings.ts';
import type { TallyColumn } from '../kinds/telling.ts';
import type { BaselineReport, CandidateReport, GradedTask, SideReport } from '../result.ts';
import {
  clip,
  formatDifference,
  formatMean,
  formatMs,
  formatRate,
  formatRatio,
  formatScore,
  formatTally,
  formatUsd,
  NONE,
  oneLine,
} from './format.ts';
import {
  byComplexity,
  inCategories,
  marksOf,
  pairTasks,
  rowsOf,
  scoreOf,
  tallyOf,
} from './pairs.ts';
import type { GroupMeans, TaskPair, TaskRow } from './pairs.ts';
import {
  boundsOf,
  gradedLine,
  HEADLINES,
  latencyLine,
  powerLines,
  provenance,
  READING,
  strictLine,
  verdictSentence,
} from './words.ts';

const ICONS = {
  pass: '✅',
  marginal: '⚠️',
  fail: '❌',
  inconclusive: '❔',
  partial: '🧩',
} as const;
// A job summary is cut at 1 MiB and mails at less; a table of this size can still be read.
const MAX_BYTES = 60_000;
const MAX_REASONS = 10;

/** The report for a summary of a CI job: GitHub's Markdown, below 60 kB. */
export function toMarkdown(report: BaselineReport): string {
  const { run, candidates } = report;
  const [only, ...others] = candidates;
  const single = only !== undefined && others.length === 0 ? only : undefined;
  const head = single === undefined ? manyHead(report) : oneHead(single, report);
  const foot = [
    '### How to read it',
    ...READING.map((text) => `- ${text}`),
    `Run ${code(run.id)} · suite hash ${code(clip(run.suiteHash, 16))} · seed ${run.seed}${run.repeats > 1 ? ` · ${run.repeats} repeats` : ''} · sandbox ${code(run.sandbox)} · started ${escape(run.startedAt)}`,
  ];
  const room = MAX_BYTES - bytes(join(head)) - bytes(join(foot));
  const tables =
    single === undefined
      ? taskTables(rowsOf(report), (row) => row.category, scoreColumns(candidates.length), room)
      : taskTables(
          pairTasks(single, report.reference),
          (pair) => pair.candidate.category,
          pairColumns,
          room,
        );
  return `${join([...head, ...tables, ...foot])}\n`;
}

function title({ run }: BaselineReport, state: keyof typeof ICONS): string {
  const shard = run.shard === null ? '' : ` ${run.shard.index}/${run.shard.of}`;
  return `## ${ICONS[state]} Baseline ${escape(run.suite)}: ${HEADLINES[state]}${shard}`;
}

function oneHead(candidate: CandidateReport, report: BaselineReport): string[] {
  const { verdict } = candidate;
  const pairs = pairTasks(candidate, report.reference);
  return [
    title(report, verdict.state),
    `**${escape(verdictSentence(candidate, report.reference))}**`,
    ...bullets(verdict.reasons),
    [strictLine(verdict), ...powerLines(verdict.power)].map(escape).join('. '),
    '### Sides',
    ...sides(candidate, report.reference),
    '### By category',
    ...categories(report.candidates),
    '### By complexity',
    ...groups(byComplexity(pairs)),
    '### Tasks',
  ];
}

function manyHead(report: BaselineReport): string[] {
  const { candidates, reference } = report;
  const worst = (['fail', 'inconclusive', 'marginal', 'partial'] as const).find((state) =>
    candidates.some(({ verdict }) => verdict.state === state),
  );
  return [
    title(report, worst ?? 'pass'),
    '### Candidates',
    line(['', 'candidate', 'verdict', 'mean', 'ratio', '95 % bounds', 'P50', 'tokens/s', 'cost']),
    '| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...candidates.map((candidate, index) =>
      line([
        `#${index + 1}`,
        escape(candidate.id),
        `${ICONS[candidate.verdict.state]} ${HEADLINES[candidate.verdict.state]}`,
        formatMean(candidate.meanScore),
        formatRatio(candidate.verdict.ratio),
        boundsOf(candidate.verdict),
        formatMs(candidate.latencyMs.p50),
        formatRate(candidate.tokensPerSecond),
        formatUsd(candidate.costUsd),
      ]),
    ),
    line([
      '',
      escape(reference.id),
      'reference',
      formatMean(reference.meanScore),
      NONE,
      NONE,
      formatMs(reference.latencyMs.p50),
      formatRate(reference.tokensPerSecond),
      formatUsd(reference.costUsd),
    ]),
    '### Why',
    ...candidates.flatMap(({ verdict }, index) =>
      bullets(verdict.reasons.map((reason) => `#${index + 1}: ${reason}`)),
    ),
    '### By category',
    ...categories(candidates),
    '### Tasks',
  ];
}

function sides(candidate: SideReport, reference: SideReport): string[] {
  const row = (name: string, show: (side: SideReport) => string): string =>
    line([name, show(candidate), show(reference)]);
  return [
    line(['', 'candidate', 'reference']),
    '| --- | --- | --- |',
    row('what', (side) => escape(side.id)),
    row('graded', gradedLine),
    row('mean score', (side) => formatMean(side.meanScore)),
    row('latency', latencyLine),
    row(
      'time to first token',
      (side) => `P50 ${formatMs(side.ttftMs.p50)} (${provenance(side.ttftMs)})`,
    ),
    row('tokens per second', (side) => formatRate(side.tokensPerSecond)),
    row('score per 1,000 output tokens', (side) => formatMean(side.scorePer1kOutputTokens)),
    row('cost', (side) => formatUsd(side.costUsd)),
  ];
}

function groups(means: readonly GroupMeans[]): string[] {
  return [
    line(['', 'tasks compared', 'candidate', 'reference', 'ratio']),
    '| --- | ---: | ---: | ---: | ---: |',
    ...means.map((group) =>
      line([
        group.name,
        `${group.compared} of ${group.tasks}`,
        formatMean(group.candidate),
        formatMean(group.reference),
        formatRatio(group.ratio),
      ]),
    ),
  ];
}

/** Ratios of all candidates by category; of a single one, its means and bounds too. */
function categories(candidates: readonly CandidateReport[]): string[] {
  const [first] = candidates;
  if (first === undefined) return [];
  if (candidates.length > 1) {
    return [
      line(['', 'reference', ...candidates.map((_, index) => `ratio #${index + 1}`), 'asked']),
      `| --- | ---: | ${candidates.map(() => '---: | ').join('')}---: |`,
      ...first.categories.map(({ category, referenceMean, threshold }, place) =>
        line([
          category,
          formatMean(referenceMean),
          ...candidates.map((candidate) => formatRatio(candidate.categories[place]?.ratio)),
          formatRatio(threshold),
        ]),
      ),
    ];
  }
  return [
    line(['', 'tasks compared', 'candidate', 'reference', 'ratio', '95 % bounds', 'asked']),
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...first.categories.map((report) =>
      line([
        report.category,
        `${report.compared} of ${report.tasks}`,
        formatMean(report.candidateMean),
        formatMean(report.referenceMean),
        formatRatio(report.ratio),
        boundsOf(report),
        formatRatio(report.threshold),
      ]),
    ),
  ];
}

interface Column<Item> {
  name: string;
  align: 'left' | 'right';
  cell(item: Item): string;
}

function pairColumns(members: readonly TaskPair[]): Column<TaskPair>[] {
  const [first] = members;
  const tallies: readonly TallyColumn<GradedTask['evidence']>[] =
    first === undefined ? [] : tellingOf(first.candidate.category).tallies;
  return [
    { name: 'task', align: 'left', cell: ({ label }) => escape(clip(label, 80)) },
    { name: 'complexity', align: 'left', cell: ({ candidate }) => candidate.complexity },
    {
      name: 'candidate',
      align: 'right',
      cell: ({ candidate }) => formatScore(scoreOf(candidate)),
    },
    {
      name: 'reference',
      align: 'right',
      cell: ({ reference }) => formatScore(scoreOf(reference)),
    },
    {
      name: 'difference',
      align: 'right',
      cell: ({ candidate, reference }) => formatDifference(scoreOf(candidate), scoreOf(reference)),
    },
    ...tallies.map((column): Column<TaskPair> => ({
      name: column.name,
      align: 'right',
      cell: ({ candidate }) => formatTally(tallyOf(candidate, column)),
    })),
    {
      name: 'notes',
      align: 'left',
      cell: ({ candidate }) => escape(clip(marksOf(candidate).join(', '), 120)),
    },
  ];
}

function scoreColumns(candidates: number): () => Column<TaskRow>[] {
  return () => [
    { name: 'task', align: 'left', cell: ({ label }) => escape(clip(label, 80)) },
    {
      name: 'reference',
      align: 'right',
      cell: ({ reference }) => formatScore(scoreOf(reference)),
    },
    ...Array.from({ length: candidates }, (_, index): Column<TaskRow> => ({
      name: `#${index + 1}`,
      align: 'right',
      cell: (row) => formatScore(scoreOf(row.candidates[index])),
    })),
  ];
}

/** A table for each category, as many rows as there is room for. */
function taskTables<Item>(
  items: readonly Item[],
  categoryOf: (item: Item) => GradedTask['category'],
  columnsOf: (members: readonly Item[]) => Column<Item>[],
  room: number,
): string[] {
  const lines: string[] = [];
  const note = (left: number): string => `…and ${left} more, left out to keep this short.`;
  let left = room - bytes(note(items.length)) - 2;
  let shown = 0;
  for (const { category, members } of inCategories(items, categoryOf)) {
    const columns = columnsOf(members);
    const head = [
      ...(members.length < items.length ? [`#### ${category}`] : []),
      line(columns.map(({ name }) => name)),
      line(columns.map(({ align }) => (align === 'left' ? '---' : '---:'))),
    ];
    left -= bytes(join(head)) + 4;
    for (const [index, item] of members.entries()) {
      const row = line(columns.map((column) => column.cell(item)));
      left -= bytes(row) + 1;
      if (left < 0) return [...lines, '', note(items.length - shown)];
      if (index === 0) lines.push(...head);
      lines.push(row);
      shown += 1;
    }
  }
  return lines;
}

function bullets(reasons: readonly string[]): string[] {
  const shown = reasons.slice(0, MAX_REASONS).map((reason) => `- ${escape(clip(reason, 400))}`);
  const left = reasons.length - shown.length;
  return left > 0 ? [...shown, `- …and ${left} more.`] : shown;
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

// Blank lines part blocks; rows of a table and items of a list stay together.
function join(lines: readonly string[]): string {
  const kind = (text: string): string => /^(\||-) ?/.exec(text)?.[1] ?? text;
  return lines
    .map((text, index) => {
      const before = lines[index - 1];
      return before === undefined || kind(before) === kind(text) ? text : `\n${text}`;
    })
    .join('\n');
}

function bytes(text: string): number {
  return Buffer.byteLength(text);
}

/** Text that Markdown, a table cell and HTML leave alone; `@` would call people. */
function escape(text: string): string {
  return oneLine(text)
    .replace(/[\\`*_{}[\]#|~$]/g, String.raw`\$&`)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('@', '&#64;');
}

function code(text: string): string {
  return `<code>${escape(text)}</code>`;
}
