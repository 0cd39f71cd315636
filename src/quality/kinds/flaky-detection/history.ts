import type { HistoryRun } from './format.ts';

const LONGEST_MESSAGE = 110;

/** The first line of what a test said when it failed, short enough for a table. */
export function brief(message: string): string {
  const [first = ''] = message.split('\n');
  const line = first.replace(/ \/\/ Object\.is equality$/, '').replaceAll('|', '\\|');
  return line.length <= LONGEST_MESSAGE ? line : `${line.slice(0, LONGEST_MESSAGE - 1)}…`;
}

/** The runs as a Markdown table. */
export function historyTable(history: readonly HistoryRun[]): string {
  const rows = history.map((run, index) => {
    const failed =
      run.failures.length === 0
        ? 'all passed'
        : run.failures.map(({ test, message }) => `test ${test} failed: ${message}`).join('; ');
    const cells = [
      String(index + 1),
      run.commit,
      run.startedAt.replace('T', ' ').replace(/:\d\dZ$/, ''),
      run.zone,
      run.leftover ? 'reused' : 'new',
      run.order.join(' '),
      `${run.tookMs} ms`,
      failed,
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    '| run | commit | start (UTC) | time zone | process | order of tests | took | result |',
    '|---|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

/** The same runs by test: how many each failed in, and which. */
export function failureCounts(history: readonly HistoryRun[], tests: number): string {
  return Array.from({ length: tests }, (_, index) => {
    const number = index + 1;
    const failed = history.flatMap(({ failures }, run) =>
      failures.some(({ test }) => test === number) ? [run + 1] : [],
    );
    const which = failed.length === 0 ? '' : `: ${failed.join(', ')}`;
    return `- test ${number} failed in ${failed.length} of ${history.length} runs${which}`;
  }).join('\n');
}
