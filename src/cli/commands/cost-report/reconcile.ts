import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Chalk } from 'chalk';
import Table from 'cli-table3';
import { AppError, ExitCode, messageOf } from '../../../core/errors.ts';
import {
  COMPARED,
  readProviderCsv,
  type Compared,
} from '../../../ledger/reconcile/provider-csv.ts';
import { reconcile, type Reconciled } from '../../../ledger/reconcile/reconcile.ts';
import { NO_BORDERS, NONE, oneLine } from '../../../quality/reports/format.ts';
import { openDatabase } from '../../../storage/database.ts';
import type { CommandContext } from '../../main.ts';
import { runtimeFor } from '../../model.ts';
import { formatCount, formatUsd } from './report/words.ts';

export interface ReconcileFlags {
  workspace?: string;
  key?: string;
  tolerance?: number;
}

const TOLERANCE = 0.001;
const MOST_ROWS = 60;
const NAMES: Record<Compared, string> = {
  inputTokens: 'input',
  cacheReadTokens: 'cache read',
  cacheWriteTokens: 'write 5m',
  cacheWriteHourTokens: 'write 1h',
  outputTokens: 'output',
  usd: 'cost',
};

/** `aqe-llm cost-report reconcile`: lays an export of the provider beside the ledger; differences are findings. */
export async function reconcileCommand(
  context: CommandContext,
  file: string,
  { workspace, key, tolerance = TOLERANCE }: ReconcileFlags,
): Promise<ExitCode> {
  const { host, output } = context;
  const text = await read(path.resolve(host.cwd, file), file);
  const { lines, columns, leftOut } = readProviderCsv(text, { workspace, key });
  const runtime = await runtimeFor(context);
  const { config } = runtime;
  const result = reconcile({
    database: openDatabase(config.state),
    servers: config.servers,
    lines,
    tolerance,
  });
  if (output.json) output.result(JSON.stringify({ file, columns, leftOut, ...result }, null, 2));
  else output.result(toText(result, output.color));
  const names = Object.entries(columns).map(([meaning, header]) => `${header} as ${meaning}`);
  output.note(`Read: ${names.join(', ')}${leftOut > 0 ? `; ${leftOut} rows left out` : ''}.`);
  return result.differences.length === 0 ? ExitCode.Ok : ExitCode.GateFailed;
}

async function read(file: string, name: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new AppError('reconcile.unreadable', `${name} cannot be read: ${messageOf(error)}`, {
      hint: 'Give the usage or cost export of the provider’s console.',
      cause: error,
    });
  }
}

function toText(result: Reconciled, color: boolean): string {
  const paint = new Chalk({ level: color ? 1 : 0 });
  const { days, compared, matched, differences, total, unpriced } = result;
  if (days === undefined) return 'The file has no rows: nothing was compared.';
  const lines = [
    `${days.first} to ${days.last} (UTC): ${matched} of ${compared} days and models are the same on both sides.`,
  ];
  const table = new Table({
    head: ['day', 'model', 'what', 'ledger', 'provider', 'ledger − provider'].map((head) =>
      paint.dim(head),
    ),
    colAligns: ['left', 'left', 'left', 'right', 'right', 'right'],
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2, compact: true },
    chars: NO_BORDERS,
  });
  for (const { day, model, what, ledger, provider } of differences.slice(0, MOST_ROWS)) {
    const apart = (ledger ?? 0) - (provider ?? 0);
    table.push([
      day,
      oneLine(model),
      NAMES[what],
      show(what, ledger),
      show(what, provider),
      paint.yellow(`${apart > 0 ? '+' : ''}${show(what, apart)}`),
    ]);
  }
  if (differences.length > 0) lines.push('', table.toString().replaceAll(/[ ]+$/gm, ''));
  if (differences.length > MOST_ROWS) {
    lines.push(`… and ${differences.length - MOST_ROWS} more: --json has all`);
  }
  const sums = COMPARED.flatMap((what) => {
    const { ledger, provider } = total[what];
    return provider === null
      ? []
      : [`${NAMES[what]} ${show(what, ledger)} to ${show(what, provider)}`];
  });
  lines.push('', `In all, ledger to provider: ${sums.join(' · ')}.`);
  if (unpriced > 0) {
    lines.push(
      `${unpriced} attempts of these days have no known cost in the ledger: cut-off streams, or no price.`,
    );
  }
  return lines.join('\n');
}

function show(what: Compared, value: number | null): string {
  if (value === null) return NONE;
  return what === 'usd' ? formatUsd(value) : formatCount(value).replace('-', '−');
}
