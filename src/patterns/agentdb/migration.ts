import type { Clock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import type { TaskCategory } from '../../core/task.ts';
import type { Database } from '../../storage/database.ts';
import type { Embedder } from '../embedders/embedder.ts';
import type { Pattern } from '../pattern.ts';
import type { PatternStore } from '../store.ts';
import {
  AGENTDB_KINDS,
  openAgentDb,
  writtenIn,
  type AgentDbFile,
  type AgentDbKind,
  type AgentDbRow,
} from './agentdb-file.ts';
import { compareWith, lostIn, type Comparison } from './compare.ts';
import { createMirror } from './mirror.ts';
import { createNotes, type MigrationState } from './notes.ts';
import { patternFrom } from './rows-to-patterns.ts';

export interface AgentDbMigration {
  state(): MigrationState | undefined;
  /**
   * Takes over what is not here yet, in the file's order, a batch at a time; may be broken off and
   * gone on with. Afterwards both are written.
   * @throws AppError `agentdb.unusable`, `agentdb.other-file`, `agentdb.switched`
   */
  copy(file: string, signal: AbortSignal): AsyncGenerator<{ done: number; of: number }>;
  /** @throws AppError `agentdb.not-started`, `agentdb.unusable` */
  compare(): Promise<Comparison>;
  /** From now on the store leads: what is new in the file does not come over any more. */
  switchOver(): void;
  /** AgentDB is not written any more. */
  finish(): void;
  /** The store, which writes what it learns to AgentDB's file too while a migration is under way. */
  mirrored: PatternStore;
}

export interface MigrationOptions {
  database: Database;
  store: PatternStore;
  embedder: Embedder;
  clock: Clock;
  categoryOf: (prompt: string) => TaskCategory;
  onTrouble: (message: string) => void;
}

const BATCH = 64;

export function createAgentDbMigration(options: MigrationOptions): AgentDbMigration {
  const { database, store, embedder, clock, categoryOf, onTrouble } = options;
  const notes = createNotes(database);
  const mirror = createMirror({ store, notes, onTrouble });

  function started(): MigrationState {
    const now = notes.state();
    if (now !== undefined) return now;
    throw new AppError('agentdb.not-started', 'No migration is under way.', {
      hint: 'Begin one with: aqe-llm curate migrate start <AgentDB file>',
    });
  }

  /** The file in which a migration may go on. */
  function openFor(file: string): AgentDbFile {
    const now = notes.state();
    if (now !== undefined && now.file !== file) {
      throw new AppError('agentdb.other-file', `A migration from ${now.file} is under way.`, {
        hint: 'Finish that one first: aqe-llm curate migrate finish',
      });
    }
    if (now?.phase === 'switched') {
      throw new AppError('agentdb.switched', 'The store leads already; nothing more comes over.', {
        hint: 'End the migration with: aqe-llm curate migrate finish',
      });
    }
    const agentDb = openAgentDb(file);
    if (now === undefined) notes.begin(file, clock.now());
    return agentDb;
  }

  /** Whether a row came over as it is now, or was written from here. */
  function isTaken(source: AgentDbRow): boolean {
    const own = writtenIn(source);
    if (own !== undefined && store.find(own)?.id === own) return true;
    return notes.of(source.kind, source.row.id)?.content === source.content;
  }

  /** The pattern that a row became, while it is there. */
  function patternOf(kind: AgentDbKind, source: number): Pattern | undefined {
    const note = notes.of(kind, source);
    const pattern = note === undefined ? undefined : store.find(note.pattern);
    return pattern?.id === note?.pattern ? pattern : undefined;
  }

  /** Adds a batch and notes which row is which, both or neither. What has changed since is renewed. */
  async function take(batch: readonly AgentDbRow[], signal: AbortSignal): Promise<void> {
    const patterns = batch.flatMap((source) => {
      const pattern = patternFrom(source, categoryOf, clock.now());
      return pattern === undefined ? [] : [{ source, pattern }];
    });
    const vectors = await embedder.embed(
      patterns.map(({ pattern }) => pattern.prompt),
      signal,
    );
    const space = { embedder: embedder.id, dimension: await embedder.dimension() };
    store.together(() => {
      for (const [index, { source, pattern }] of patterns.entries()) {
        const { kind, row } = source;
        const vector = vectors[index];
        if (vector === undefined) continue;
        const before = patternOf(kind, row.id);
        if (before === undefined) {
          store.add([{ pattern, vector }], space);
          notes.forget(kind, row.id);
          notes.add(source, pattern.id);
          continue;
        }
        const after = renewed(before, pattern);
        notes.renew(source);
        store.update(before.id, () => after, after.prompt === before.prompt ? undefined : vector);
      }
    });
  }

  return {
    state: () => notes.state(),
    async *copy(file, signal) {
      const agentDb = openFor(file);
      try {
        for (const source of lostIn(agentDb, notes)) notes.forget('pattern', source);
        const of = AGENTDB_KINDS.reduce((sum, kind) => sum + agentDb.count(kind), 0);
        let done = 0;
        for (const kind of AGENTDB_KINDS) {
          let batch: AgentDbRow[] = [];
          for (const source of agentDb.rows(kind)) {
            done += 1;
            if (!isTaken(source)) batch.push(source);
            if (batch.length < BATCH) continue;
            signal.throwIfAborted();
            await take(batch, signal);
            batch = [];
            yield { done, of };
          }
          signal.throwIfAborted();
          if (batch.length > 0) await take(batch, signal);
          yield { done, of };
        }
        notes.enter('dual', clock.now());
        mirror.write(agentDb, []);
      } finally {
        agentDb.close();
      }
    },

    async compare() {
      const agentDb = openAgentDb(started().file);
      try {
        return await compareWith(agentDb, { store, notes, clock, categoryOf });
      } finally {
        agentDb.close();
      }
    },

    switchOver() {
      const { phase } = started();
      if (phase === 'copying') {
        throw new AppError('agentdb.copying', 'Not all rows have come over yet.', {
          hint: 'Go on with: aqe-llm curate migrate start',
        });
      }
      notes.enter('switched', clock.now());
    },

    finish() {
      const { phase } = started();
      if (phase !== 'switched') {
        throw new AppError('agentdb.not-switched', 'The store does not lead yet.', {
          hint: 'Compare and switch first: aqe-llm curate migrate switch',
        });
      }
      notes.end();
    },

    mirrored: mirror.over(store),
  };
}

/** A pattern whose row has changed; what people and execution have said of it since stays. */
function renewed(now: Pattern, row: Pattern): Pattern {
  const { good, bad } = now.outcomes;
  const isUntouched = now.verified === 'no' && now.quarantine === undefined && good + bad === 0;
  if (!isUntouched) return { ...now, uses: Math.max(now.uses, row.uses) };
  return { ...row, id: now.id, createdAt: now.createdAt };
}
