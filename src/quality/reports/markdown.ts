import type { BaselineReport, SideReport } from '../result.ts';
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
import {
  byCategory,
  byComplexity,
  marksOf,
  mutantsOf,
  pairTasks,
  scoreOf,
  testsOf,
} from './pairs.ts';
import type { GroupMeans, TaskPair } from './pairs.ts';
import {
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
    '### By complexity and category',
    ...groups([...byComplexity(pairs), ...byCategory(pairs)]),
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

function tasks(pairs: readonly TaskPair[], room: number): string[] {
  const rows = [
    line([
      'task',
      'complexity',
      'candidate',
      'reference',
      'difference',
      'tests passed',
      'mutants killed',
      'notes',
    ]),
    '| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |',
  ];
  const note = (left: number): string => `…and ${left} more, left out to keep this short.`;
  let left = room - bytes(join(rows)) - bytes(note(pairs.length)) - 2;
  for (const [index, pair] of pairs.entries()) {
    const row = taskRow(pair);
    left -= bytes(row) + 1;
    if (left < 0) return [...rows, '', note(pairs.length - index)];
    rows.push(row);
  }
  return rows;
}

function taskRow(pair: TaskPair): string {
  const { candidate } = pair;
  return line([
    escape(clip(pair.label, 80)),
    candidate.complexity,
    formatScore(scoreOf(candidate)),
    formatScore(scoreOf(pair.reference)),
    formatDifference(scoreOf(candidate), scoreOf(pair.reference)),
    formatTally(testsOf(candidate)),
    formatTally(mutantsOf(candidate)),
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
