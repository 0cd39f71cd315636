import { tellingOf } from '../kinds/tellings.ts';
import type { TallyColumn } from '../kinds/telling.ts';
import type { BaselineReport, CategoryReport, GradedTask, SideReport } from '../result.ts';
import {
  clip,
  formatDifference,
  formatMean,
  formatMs,
  formatRate,
  formatRatio,
  formatScore,
  formatTally,
  oneLine,
} from './format.ts';
import { byComplexity, inCategories, marksOf, pairTasks, scoreOf, tallyOf } from './pairs.ts';
import type { GroupMeans, TaskPair } from './pairs.ts';
import {
  boundsOf,
  gradedLine,
  HEADLINES,
  latencyLine,
  provenance,
  READING,
  strictLine,
  verdictSentence,
} from './words.ts';

const ICONS = { pass: '✅', marginal: '⚠️', fail: '❌', inconclusive: '❔' } as const;
// A job summary is cut at 1 MiB and mails at less; a table of this size can still be read.
const MAX_BYTES = 60_000;
const MAX_REASONS = 10;

/** The report for a summary of a CI job: GitHub's Markdown, below 60 kB. */
export function toMarkdown(report: BaselineReport): string {
  const { verdict } = report;
  const pairs = pairTasks(report);
  const head = [
    `## ${ICONS[verdict.state]} Baseline ${escape(report.run.suite)}: ${HEADLINES[verdict.state]}`,
    `**${escape(verdictSentence(report))}**`,
    ...bullets(verdict.reasons),
    `${escape(strictLine(verdict))}.`,
    '### Sides',
    ...sides(report),
    '### By category',
    ...categories(report.categories),
    '### By complexity',
    ...groups(byComplexity(pairs)),
    '### Tasks',
  ];
  const foot = [
    '### How to read it',
    ...READING.map((text) => `- ${text}`),
    `Run ${code(report.run.id)} · suite hash ${code(clip(report.run.suiteHash, 16))} · seed ${report.run.seed} · sandbox ${code(report.run.sandbox)} · started ${escape(report.run.startedAt)}`,
  ];
  const room = MAX_BYTES - bytes(join(head)) - bytes(join(foot));
  return `${join([...head, ...tasks(pairs, room), ...foot])}\n`;
}

function sides({ candidate, reference }: BaselineReport): string[] {
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

function categories(reports: readonly CategoryReport[]): string[] {
  return [
    line(['', 'tasks compared', 'candidate', 'reference', 'ratio', '95 % bounds']),
    '| --- | ---: | ---: | ---: | ---: | ---: |',
    ...reports.map((report) =>
      line([
        report.category,
        `${report.compared} of ${report.tasks}`,
        formatMean(report.candidate),
        formatMean(report.reference),
        formatRatio(report.ratio),
        boundsOf(report),
      ]),
    ),
  ];
}

/** A table for each category, as many rows as there is room for. */
function tasks(pairs: readonly TaskPair[], room: number): string[] {
  const lines: string[] = [];
  const note = (left: number): string => `…and ${left} more, left out to keep this short.`;
  let left = room - bytes(note(pairs.length)) - 2;
  let shown = 0;
  for (const { category, members } of inCategories(pairs)) {
    const columns = tellingOf(category).tallies;
    const heads = ['complexity', 'candidate', 'reference', 'difference'];
    const head = [
      ...(members.length < pairs.length ? [`#### ${category}`] : []),
      line(['task', ...heads, ...columns.map(({ name }) => name), 'notes']),
      `| --- | --- | ---: | ---: | ---: | ${columns.map(() => '---: | ').join('')}--- |`,
    ];
    left -= bytes(join(head)) + 4;
    for (const [index, pair] of members.entries()) {
      const row = taskRow(pair, columns);
      left -= bytes(row) + 1;
      if (left < 0) return [...lines, '', note(pairs.length - shown)];
      if (index === 0) lines.push(...head);
      lines.push(row);
      shown += 1;
    }
  }
  return lines;
}

function taskRow(pair: TaskPair, columns: readonly TallyColumn<GradedTask['evidence']>[]): string {
  const { candidate } = pair;
  return line([
    escape(clip(pair.label, 80)),
    candidate.complexity,
    formatScore(scoreOf(candidate)),
    formatScore(scoreOf(pair.reference)),
    formatDifference(scoreOf(candidate), scoreOf(pair.reference)),
    ...columns.map((column) => formatTally(tallyOf(candidate, column))),
    escape(clip(marksOf(candidate).join(', '), 120)),
  ]);
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
