import { createHash } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { quantile } from '../../core/statistics.ts';
import type { TaskCategory } from '../../core/task.ts';
import { dot } from '../index/flat.ts';
import type { PatternStore } from '../store.ts';
import { unitVector } from '../vector.ts';
import { AGENTDB_KINDS, writtenIn, type AgentDbFile, type AgentDbKind } from './agentdb-file.ts';
import type { MigrationNotes } from './notes.ts';
import { patternFrom } from './rows-to-patterns.ts';

/** How far AgentDB's file and the store hold the same. */
export interface Comparison {
  /** In the file. */
  rows: Record<AgentDbKind, number>;
  /** Rows of which a pattern is known, those that were written from here among them. */
  copied: Record<AgentDbKind, number>;
  /** Rows in which there is nothing to remember, as `episodes:12`. */
  leftOut: string[];
  /** Over the content of all rows that can be remembered, as the file has it and as it was taken over. */
  sha256: { file: string; store: string };
  /** Patterns whose answer is no more that of their row: merged or removed since. */
  changed: number;
  /** Patterns learned since that are not in the file, or not any more. */
  unmirrored: number;
  /** Nothing is missing and nothing differs. */
  isEqual: boolean;
  /** Of the file's own vectors; absent where they are none of the store's size. */
  search?: {
    queries: number;
    /** Share of the file's ten nearest that are among the store's ten nearest. */
    overlap: number;
    /** Median milliseconds of a search. */
    ms: { agentdb: number; store: number };
  };
}

export interface CompareOptions {
  store: PatternStore;
  notes: MigrationNotes;
  clock: Clock;
  categoryOf: (prompt: string) => TaskCategory;
}

const QUERIES = 50;
const NEAREST = 10;

export async function compareWith(
  agentDb: AgentDbFile,
  options: CompareOptions,
): Promise<Comparison> {
  const { store, notes, categoryOf } = options;
  const hashes = { file: createHash('sha256'), store: createHash('sha256') };
  const leftOut: string[] = [];
  let changed = 0;
  let isEqual = true;
  for (const kind of AGENTDB_KINDS) {
    for (const source of agentDb.rows(kind)) {
      const { id } = source.row;
      const wanted = patternFrom(source, categoryOf, 0);
      if (wanted === undefined) {
        leftOut.push(`${kind === 'pattern' ? 'reasoning_patterns' : 'episodes'}:${id}`);
        continue;
      }
      const written = writtenIn(source);
      const own = written === undefined ? undefined : store.find(written);
      const note = notes.of(kind, id);
      const ours = own ?? (note === undefined ? undefined : store.find(note.pattern));
      if (ours?.answer !== wanted.answer) changed += 1;
      const content = own === undefined ? note?.content : source.content;
      hashes.file.update(`${source.content}\n`);
      hashes.store.update(`${content ?? ''}\n`);
      isEqual &&= content === source.content;
    }
  }
  const unmirrored = notes.missing().length + lostIn(agentDb, notes).length;
  const search = await searchBoth(agentDb, options);
  return {
    rows: { pattern: agentDb.count('pattern'), episode: agentDb.count('episode') },
    copied: { pattern: notes.count('pattern'), episode: notes.count('episode') },
    leftOut,
    sha256: { file: hashes.file.digest('hex'), store: hashes.store.digest('hex') },
    changed,
    unmirrored,
    isEqual: isEqual && unmirrored === 0,
    ...(search === undefined ? {} : { search }),
  };
}

/** Rows that we wrote and the file has no more: AgentDB writes the whole file as it has it in memory. */
export function lostIn(agentDb: AgentDbFile, notes: MigrationNotes): number[] {
  return notes
    .own()
    .filter(({ source, pattern }) => {
      const row = agentDb.row('pattern', source);
      return row === undefined || writtenIn(row) !== pattern;
    })
    .map(({ source }) => source);
}

async function searchBoth(
  agentDb: AgentDbFile,
  { store, notes, clock }: CompareOptions,
): Promise<Comparison['search']> {
  const dimension = store.space()?.dimension;
  const own = agentDb.vectors().filter(({ vector }) => vector.length === dimension);
  if (own.length === 0 || dimension === undefined) return undefined;
  const step = Math.max(1, Math.floor(own.length / QUERIES));
  const queries = own.filter((_vector, index) => index % step === 0).slice(0, QUERIES);
  const ms: Record<'agentdb' | 'store', number[]> = { agentdb: [], store: [] };
  let shared = 0;
  let all = 0;
  for (const { vector } of queries) {
    const query = unitVector(vector, dimension);
    let from = clock.monotonic();
    // As AgentDB's own search does: it reads every vector for each query.
    const theirs = agentDb
      .vectors()
      .filter((it) => it.vector.length === dimension)
      .map((it) => ({ id: it.id, similarity: dot(query, it.vector) / Math.hypot(...it.vector) }))
      .toSorted((a, b) => b.similarity - a.similarity)
      .slice(0, NEAREST)
      .map(({ id }) => notes.of('pattern', id)?.pattern);
    ms.agentdb.push(clock.monotonic() - from);
    from = clock.monotonic();
    const ours = await store.search(query, NEAREST);
    ms.store.push(clock.monotonic() - from);
    const ids = new Set<unknown>(ours.map(({ pattern }) => pattern.id));
    shared += theirs.filter((id) => ids.has(id)).length;
    all += theirs.length;
  }
  return {
    queries: queries.length,
    overlap: shared / all,
    ms: { agentdb: medianOf(ms.agentdb), store: medianOf(ms.store) },
  };
}

function medianOf(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}
