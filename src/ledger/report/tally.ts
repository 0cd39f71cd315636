import type { Hardware } from '../../config/schema.ts';
import { runsOn, usdPerHour } from './hardware.ts';
import { isAnswer, type Kind } from './kinds.ts';
import type { Period } from './periods.ts';
import type { SumReader, Sums } from './sums.ts';

const HOUR_MS = 3_600_000;

/** Attempts of one kind in one period, with what their machines cost meanwhile. */
export interface Cell {
  kind: Kind;
  sums: Sums;
  /** Its share of the machines' cost, by the time at work. */
  hardwareUsd: number;
  /** What Claude bills for as many tokens, where this is a local answer that it would have given; 0 otherwise. */
  atClaudeUsd: number;
}

/** What one's own machines cost while nobody asked them, in a period. */
export interface Idle {
  machine: Hardware;
  usd: number;
}

export interface TallyOptions {
  reader: SumReader;
  kinds: ReadonlyMap<number, Kind>;
  machines: readonly Hardware[];
  /** US dollars of Claude for a prompt and an answer of so many tokens, at that time. */
  claudeUsd: (inputTokens: number, outputTokens: number, at: number) => number;
}

export interface Tallied {
  period: Period;
  cells: Cell[];
  idle: Idle[];
}

/** Adds up every period on its own. */
export function* tally(
  { reader, kinds, machines, claudeUsd }: TallyOptions,
  periods: readonly Period[],
): Generator<Tallied> {
  for (const period of periods) {
    const cells: Cell[] = [];
    for (const { kind: id, sums } of reader.byKind(period)) {
      const kind = kinds.get(id);
      // It came after the kinds were read, and so after the report began.
      if (kind === undefined) continue;
      const isLocalAnswer = kind.selfHosted && isAnswer(kind);
      const prompts =
        sums.inputTokens + sums.cacheReadTokens + sums.cacheWriteTokens + sums.cacheWriteHourTokens;
      const atClaudeUsd = isLocalAnswer ? claudeUsd(prompts, sums.outputTokens, period.since) : 0;
      cells.push({ kind, sums, hardwareUsd: 0, atClaudeUsd });
    }
    const idle: Idle[] = [];
    for (const machine of machines) {
      const usd = (usdPerHour(machine) * (period.until - period.since)) / HOUR_MS;
      const its = cells.filter(({ kind }) => kind.selfHosted && runsOn(machine, kind.provider));
      const ms = its.reduce((sum, cell) => sum + cell.sums.ms, 0);
      if (ms === 0) idle.push({ machine, usd });
      else for (const cell of its) cell.hardwareUsd += (usd * cell.sums.ms) / ms;
    }
    yield { period, cells, idle };
  }
}
