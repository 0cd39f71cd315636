import path from 'node:path';
import { AppError, ExitCode } from '../../../core/errors.ts';
import { readLimit, type Limit } from '../../../ledger/report/budget.ts';
import { focusCharges } from '../../../ledger/report/focus.ts';
import { costReport, type ReportOptions } from '../../../ledger/report/report.ts';
import type { CostReport, Dimension, Note } from '../../../ledger/report/result.ts';
import { timeIn } from '../../../ledger/report/time-spec.ts';
import { openZone } from '../../../ledger/report/zone.ts';
import { specsOfTiers } from '../../../routing/targets.ts';
import type { Runtime } from '../../../runtime.ts';
import { openDatabase } from '../../../storage/database.ts';
import type { CommandContext } from '../../main.ts';
import { runtimeFor } from '../../model.ts';
import { writeWhole } from '../../write-whole.ts';
import { toCsv } from './report/csv.ts';
import { toFocus } from './report/focus.ts';
import { toHtml } from './report/html.ts';
import { toMarkdown } from './report/markdown.ts';
import { toTable } from './report/table.ts';
import { zoneOf } from './time-zone.ts';

export const FORMATS = ['table', 'json', 'csv', 'focus', 'html', 'markdown'] as const;
export type Format = (typeof FORMATS)[number];

export interface ReportFlags {
  by?: Dimension[];
  since?: string;
  until?: string;
  timezone?: string;
  format?: Format;
  out?: string;
  budget?: string;
  ignoreClock?: boolean;
}

/** What a fleet on Claude alone is taken to ask, where no cloud tier is configured. */
const REFERENCE = 'anthropic:claude-sonnet-5-5';
const ACCOUNT = { id: 'default', name: 'default' };

/** What is missing in rows that do not say so. */
const TOLD_BESIDE: ReadonlySet<Note['code']> = new Set(['unpriced', 'interrupted', 'clock']);

/** `aqe-llm cost-report`: reports, and exits with 3 where a budget is overdrawn. */
export async function reportCommand(
  context: CommandContext,
  flags: ReportFlags,
): Promise<ExitCode> {
  const { output } = context;
  const format = formatOf(flags, output.json);
  const runtime = await runtimeFor(context);
  const options = optionsOf(runtime, flags, format);
  const report = costReport(options);
  if (flags.ignoreClock !== true) refuseJumps(report);
  const text = textOf(report, format, options, context, runtime);
  // These formats have rows alone.
  if (format === 'csv' || format === 'focus') {
    for (const { code, message } of report.notes) {
      if (TOLD_BESIDE.has(code) && !(format === 'focus' && code === 'unpriced'))
        output.note(`warning: ${message}`);
    }
  }
  if (flags.out === undefined) output.result(text);
  else await write(flags.out, text, context);
  return report.budget?.over === true ? ExitCode.RolledBack : ExitCode.Ok;
}

/**
 * Money that is dated wrongly is in no report of its time: whoever closes a month on it is to know.
 * @throws AppError `ledger.clock`
 */
function refuseJumps({ notes }: CostReport): void {
  const jumps = notes.filter(({ code }) => code === 'clock');
  if (jumps.length === 0) return;
  throw new AppError('ledger.clock', 'The ledger has attempts that are dated wrongly.', {
    problems: jumps.map(({ message }) => ({ path: 'attempts', message })),
    hint: 'Nothing was reported. Set the clock right; --ignore-clock reports without them.',
  });
}

/** @throws AppError `usage.format` */
export function formatOf({ format }: Pick<ReportFlags, 'format'>, json: boolean): Format {
  if (!json || format === undefined || format === 'json')
    return json ? 'json' : (format ?? 'table');
  throw new AppError('usage.format', `--json and --format ${format} exclude each other.`, {
    hint: 'Give one of them.',
  });
}

/** @throws AppError `usage.*`, `prices.*`, `storage.*` */
export function optionsOf(
  runtime: Runtime,
  flags: Pick<ReportFlags, 'by' | 'since' | 'until' | 'timezone' | 'budget'>,
  format: Format = 'table',
): ReportOptions {
  const { config, clock } = runtime;
  const now = clock.now();
  // Invoices are made in UTC, and FOCUS counts in it.
  const zone =
    format === 'focus' && flags.timezone === undefined
      ? openZone('UTC')
      : zoneOf(flags.timezone, config);
  const charges = runtime.charges();
  const { reference, hardware, investmentUsd, budget } = config.costs;
  const cloud = specsOfTiers({ cloud: config.tiers.cloud }).find(
    (target) => charges.priceOf(target, now) !== undefined,
  );
  return {
    database: openDatabase(config.state),
    charges,
    zone,
    now,
    since: flags.since === undefined ? undefined : timeIn(flags.since, zone, now, '--since'),
    until: flags.until === undefined ? undefined : timeIn(flags.until, zone, now, '--until'),
    by: flags.by ?? ['model'],
    reference: reference ?? cloud ?? REFERENCE,
    machines: hardware,
    investmentUsd,
    limit: limitOf(flags.budget ?? budget),
    targets: specsOfTiers(config.tiers).filter((target) => !/^[^:]+(:auto)?$/.test(target)),
    withAdvice: format === 'json' || format === 'html' || format === 'markdown',
  };
}

/** @throws AppError `usage.budget` */
function limitOf(text: string | undefined): Limit | undefined {
  if (text === undefined) return undefined;
  const limit = readLimit(text);
  if (limit !== undefined) return limit;
  throw new AppError('usage.budget', `--budget ${text} is no amount of US dollars for a time.`, {
    hint: 'Write it as 500/month, 120/week or 20/day. The ledger adds up US dollars: convert other currencies.',
  });
}

function textOf(
  report: CostReport,
  format: Format,
  options: ReportOptions,
  { output }: CommandContext,
  { config }: Runtime,
): string {
  switch (format) {
    case 'table':
      return toTable(report, { width: output.width, color: output.color });
    case 'json':
      return JSON.stringify(report, null, 2);
    case 'csv':
      return toCsv(report);
    case 'markdown':
      return toMarkdown(report);
    case 'html':
      return toHtml(report);
    case 'focus': {
      const { database, charges, zone, machines } = options;
      const range = { since: Date.parse(report.since), until: Date.parse(report.until) };
      const focus = focusCharges({ database, charges, range, zone, machines });
      if (focus.unpriced > 0) {
        output.note(
          `warning: ${focus.unpriced} attempts are not in the file for want of a cost; \`aqe-llm cost-report prices\` names the prices that are missing`,
        );
      }
      return toFocus(focus.charges, {
        account: config.costs.account ?? ACCOUNT,
        servers: config.servers,
      });
    }
  }
}

async function write(out: string, text: string, { host, output }: CommandContext): Promise<void> {
  const file = path.resolve(host.cwd, out);
  await writeWhole(file, out, [text.replace(/\n$/, '')], host.signal, 'costs.unwritable');
  output.note(`Written: ${file}`);
}
