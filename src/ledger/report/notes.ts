import type { Database } from '../../storage/database.ts';
import type { Range } from './periods.ts';
import type { Note } from './result.ts';
import type { SumReader } from './sums.ts';
import type { Cell } from './tally.ts';

export interface NotesOptions {
  database: Database;
  reader: SumReader;
  /** Of the whole range, by kind. */
  cells: readonly Cell[];
  range: Range;
  now: number;
  hasMachines: boolean;
}

/** No attempt is older than the program. */
const EARLIEST = Date.UTC(2024, 0, 1);
/** Clocks of two machines may differ by so much. */
const SKEW_MS = 60_000;

/** What the figures do not tell. */
export function notesOf(options: NotesOptions): Note[] {
  const { database, range } = options;
  const count = (where: string): number =>
    Number(
      database
        .prepare(`SELECT count(*) FROM requests WHERE at >= @since AND at < @until AND ${where}`)
        .pluck()
        .get(range),
    );
  const interrupted = count("state = 'interrupted'");
  const fromMemory = count("answered_target >= 'memory:' AND answered_target < 'memory;'");
  return [
    ...unpriced(options),
    ...(interrupted === 0
      ? []
      : [
          {
            code: 'interrupted' as const,
            count: interrupted,
            message: `${requests(interrupted)} interrupted: what was sent for ${interrupted === 1 ? 'it' : 'them'} and not recorded, nobody knows.`,
          },
        ]),
    ...clockNotes(options),
    ...(fromMemory === 0
      ? []
      : [
          {
            code: 'from-memory' as const,
            count: fromMemory,
            message: `${requests(fromMemory)} answered from memory, which costs nothing. What Claude would have billed for them is not part of the savings.`,
          },
        ]),
    ...withoutMachines(options),
  ];
}

function unpriced({ cells }: NotesOptions): Note[] {
  const targets = new Map<string, number>();
  for (const { kind, sums } of cells) {
    const more = sums.attempts - sums.priced;
    if (more > 0) targets.set(kind.target, (targets.get(kind.target) ?? 0) + more);
  }
  const total = [...targets.values()].reduce((sum, each) => sum + each, 0);
  if (total === 0) return [];
  const names = [...targets]
    .sort((a, b) => b[1] - a[1])
    .map(([name, times]) => `${name} (${times})`);
  return [
    {
      code: 'unpriced',
      count: total,
      message: `The cost of ${total} attempts is not known, and is more than 0: ${names.slice(0, 5).join(', ')}${names.length > 5 ? ', …' : ''}. Either there is no price, or the server did not say what was used.`,
    },
  ];
}

function clockNotes({ reader, now }: NotesOptions): Note[] {
  const extent = reader.extent();
  if (extent === undefined) return [];
  const ahead = reader.countIn({ since: now + SKEW_MS, until: Infinity });
  const ancient = reader.countIn({ since: -Infinity, until: EARLIEST });
  return [
    ...(ahead === 0
      ? []
      : [
          {
            code: 'clock' as const,
            count: ahead,
            message: `${attempts(ahead)} dated later than now, up to ${new Date(extent.last).toISOString()}: a clock has jumped. Nothing of that is in a report until that time comes.`,
          },
        ]),
    ...(ancient === 0
      ? []
      : [
          {
            code: 'clock' as const,
            count: ancient,
            message: `${attempts(ancient)} dated from ${new Date(extent.first).toISOString()} on, before there was anything to ask: a clock stood wrong. That is in no report of the time when it was asked.`,
          },
        ]),
  ];
}

function withoutMachines({ cells, hasMachines }: NotesOptions): Note[] {
  const own = cells.filter(({ kind }) => kind.selfHosted);
  const count = own.reduce((sum, { sums }) => sum + sums.attempts, 0);
  if (hasMachines || count === 0) return [];
  return [
    {
      code: 'no-hardware',
      count,
      message: `${count} attempts ran on machines of your own. What these cost is not counted: there are no figures under costs.hardware.`,
    },
  ];
}

function attempts(count: number): string {
  return count === 1 ? '1 attempt is' : `${count} attempts are`;
}

function requests(count: number): string {
  return count === 1 ? '1 request was' : `${count} requests were`;
}
