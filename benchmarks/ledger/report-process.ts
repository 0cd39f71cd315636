import { readFileSync } from 'node:fs';
import { costReport, type ReportOptions } from '../../src/ledger/report/report.ts';
import { focusCharges } from '../../src/ledger/report/focus.ts';
import { DIMENSIONS, type Dimension } from '../../src/ledger/report/result.ts';
import { openZone } from '../../src/ledger/report/zone.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { charges, MACHINE } from '../../test/ledger/report/sample.ts';

/** A process of its own, so that its memory is the report's: makes one report and says what that took. */
const [folder = '', what = '', since = '0', until = '0'] = process.argv.slice(2);
const database = openDatabase(folder);
const before = process.memoryUsage().rss;
const start = performance.now();
const startCpu = process.cpuUsage();
const range = { since: Number(since), until: Number(until) };
const options: Omit<ReportOptions, 'by'> = {
  database,
  charges,
  zone: openZone('Europe/Berlin'),
  now: range.until,
  ...range,
  reference: 'anthropic:claude-sonnet-5-5',
  machines: [MACHINE],
  targets: [],
  withAdvice: what.startsWith('advice+'),
};

function naive(): number {
  // The control: every row is brought into the process and added up there.
  const rows = database
    .prepare<[number, number], [string, number, ...(number | null)[]]>(
      `SELECT k.target, a.at, a.nano_usd, a.input_tokens, a.cached_input_tokens, a.output_tokens, a.total_ms
       FROM attempts a JOIN attempt_kinds k ON k.id = a.kind WHERE a.at >= ? AND a.at < ?`,
    )
    .raw()
    .iterate(range.since, range.until);
  const zone = new Intl.DateTimeFormat('en-CA', { timeZone: 'Europe/Berlin' });
  const days = new Map<number, string>();
  const sums = new Map<string, number[]>();
  let attempts = 0;
  for (const row of rows) {
    const [target, at, ...numbers] = row;
    const hour = Math.floor(at / 3_600_000);
    let day = days.get(hour);
    if (day === undefined) {
      day = zone.format(at);
      days.set(hour, day);
    }
    const key = `${day} ${target}`;
    const sum = sums.get(key) ?? numbers.map(() => 0);
    for (const [index, number] of numbers.entries()) sum[index] = (sum[index] ?? 0) + (number ?? 0);
    sums.set(key, sum);
    attempts += 1;
  }
  return attempts;
}

let attempts = 0;
if (what === 'control') attempts = naive();
else if (what === 'focus') {
  const focus = focusCharges({ ...options, range });
  attempts = focus.charges.length;
} else {
  const by = what
    .replace('advice+', '')
    .split('+')
    .map((name) => DIMENSIONS.find((it): it is Dimension => it === name) ?? 'model');
  attempts = costReport({ ...options, by }).total.attempts;
}
const ms = performance.now() - start;
const cpu = process.cpuUsage(startCpu);
const cpuMs = (cpu.user + cpu.system) / 1000;
/** The most memory of this program: Linux counts that of the process it was forked from into `maxRSS`. */
function peakBytes(): number {
  try {
    const kB = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (kB !== undefined) return Number(kB) * 1024;
  } catch {
    // Another system.
  }
  return process.resourceUsage().maxRSS * 1024;
}

process.stdout.write(
  `${JSON.stringify({ attempts, ms, cpuMs, peakMb: peakBytes() / 1e6, beforeMb: before / 1e6 })}\n`,
);
