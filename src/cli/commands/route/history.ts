import { Chalk, type ChalkInstance } from 'chalk';
import Table from 'cli-table3';
import { ExitCode } from '../../../core/errors.ts';
import type { TaskCategory } from '../../../core/task.ts';
import type { HistoryFilter, RecordedRequest, RequestState } from '../../../ledger/ledger.ts';
import { clip, formatMs, NO_BORDERS, NONE, oneLine } from '../../../quality/reports/format.ts';
import type { Source, Tier } from '../../../routing/decision.ts';
import type { CommandContext } from '../../main.ts';
import { runtimeFor } from '../../model.ts';
import type { When } from './options.ts';
import { formatCount, formatUsd, localTime } from './words.ts';

interface HistoryFlags {
  since?: When;
  until?: When;
  status?: RequestState[];
  tier?: Tier;
  target?: string;
  policy?: string;
  category?: TaskCategory;
  session?: string;
  agent?: string;
  source?: Source;
  limit?: number;
}

/** `aqe-llm route history`: the recorded requests, the newest first. */
export async function historyCommand(
  context: CommandContext,
  { since, until, status, limit = 20, ...flags }: HistoryFlags,
): Promise<ExitCode> {
  const { output } = context;
  const runtime = await runtimeFor(context);
  const now = runtime.clock.now();
  const filter: HistoryFilter = {
    ...flags,
    limit,
    ...(since === undefined ? {} : { since: timeOf(since, now) }),
    ...(until === undefined ? {} : { until: timeOf(until, now) }),
    ...(status === undefined ? {} : { states: status }),
  };
  const requests = runtime.openLedger().history(filter);
  if (output.json) output.result(JSON.stringify({ requests }));
  else if (requests.length === 0) output.result('No recorded request is like that.');
  else output.result(historyTable(requests, output));
  if (requests.length === limit) {
    output.note(`The newest ${limit}; --limit shows more.`);
  }
  return ExitCode.Ok;
}

function timeOf(when: When, now: number): number {
  return 'at' in when ? when.at : now - when.agoMs;
}

interface Column {
  head: string;
  /** Columns of a terminal that it needs, the gap included; what is left is for the target. */
  width: number;
  /** Which columns a narrow terminal keeps: the lowest first. */
  rank: number;
  isNumber?: boolean;
  cell: (request: RecordedRequest, paint: ChalkInstance) => string;
}

const GAP = 2;
const LEAST_TARGET = 16;
const COLUMNS: readonly Column[] = [
  { head: 'id', width: 14, rank: 0, cell: ({ id }) => id },
  { head: 'came', width: 13, rank: 3, cell: ({ at }) => localTime(at).slice(5, 16) },
  { head: 'state', width: 13, rank: 1, cell: (request, paint) => paintState(request, paint) },
  {
    head: 'target',
    width: 0,
    rank: -1,
    cell: ({ target, ending }) => ending?.answeredTarget ?? target,
  },
  { head: 'tier', width: 14, rank: 6, cell: ({ tier, ending }) => ending?.answeredTier ?? tier },
  { head: 'policy', width: 16, rank: 7, cell: ({ policy }) => clip(oneLine(policy), 14) },
  { head: 'work', width: 19, rank: 8, cell: ({ category }) => category },
  {
    head: 'took',
    width: 10,
    rank: 2,
    isNumber: true,
    cell: ({ ending }) => formatMs(ending?.totalMs),
  },
  { head: 'tokens', width: 15, rank: 5, isNumber: true, cell: (request) => tokensOf(request) },
  {
    head: 'cost',
    width: 9,
    rank: 4,
    isNumber: true,
    cell: ({ usd }) => (usd === undefined ? NONE : formatUsd(usd)),
  },
];

function historyTable(
  requests: readonly RecordedRequest[],
  { width, color }: { width: number; color: boolean },
): string {
  const paint = new Chalk({ level: color ? 1 : 0 });
  let room = width;
  const kept = new Set<Column>();
  for (const column of COLUMNS.toSorted((a, b) => a.rank - b.rank)) {
    if (room - column.width < LEAST_TARGET) break;
    room -= column.width;
    kept.add(column);
  }
  const columns = COLUMNS.filter((column) => kept.has(column));
  const table = new Table({
    head: columns.map(({ head }) => paint.dim(head)),
    colAligns: columns.map(({ isNumber }) => (isNumber === true ? 'right' : 'left')),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': GAP, compact: true },
    chars: NO_BORDERS,
  });
  for (const request of requests) {
    table.push(
      columns.map(({ head, cell }) => {
        const text = cell(request, paint);
        return head === 'target' ? clip(oneLine(text), room - GAP) : text;
      }),
    );
  }
  return table.toString().replaceAll(/[ ]+$/gm, '');
}

function paintState({ state }: RecordedRequest, paint: ChalkInstance): string {
  if (state === 'answered') return paint.green(state);
  return state === 'failed' ? paint.red(state) : paint.yellow(state);
}

function tokensOf({ usage }: RecordedRequest): string {
  if (usage === undefined) return NONE;
  return `${formatCount(usage.inputTokens)} → ${formatCount(usage.outputTokens)}`;
}
