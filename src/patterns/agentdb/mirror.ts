import { confidenceOf } from '../pattern.ts';
import type { PatternStore } from '../store.ts';
import { openAgentDb, type AgentDbFile } from './agentdb-file.ts';
import type { MigrationNotes } from './notes.ts';

/** Keeps AgentDB's file at the state of the store while a migration is under way. */
export interface Mirror {
  /** Writes what was learned here and is not in the file, and what was edited. May be done again at any time. */
  write(agentDb: AgentDbFile, edited: readonly string[]): void;
  /** The store, whose writes go to the file too. What cannot be written there is told and made good by the next copy. */
  over(store: PatternStore): PatternStore;
}

export interface MirrorOptions {
  store: PatternStore;
  notes: MigrationNotes;
  onTrouble: (message: string) => void;
}

export function createMirror({ store, notes, onTrouble }: MirrorOptions): Mirror {
  /** Alone, so that no two processes write a pattern twice; one that died may have written it. */
  const write: Mirror['write'] = (agentDb, edited) =>
    store.together(() => {
      const [some] = agentDb.vectors();
      for (const id of notes.missing()) {
        const pattern = store.find(id);
        if (pattern === undefined) continue;
        const vector = store.vectorOf(id);
        const row =
          agentDb.written(id) ??
          agentDb.insert({
            id,
            taskType: pattern.category,
            prompt: pattern.prompt,
            approach: pattern.answer,
            successRate: confidenceOf(pattern.belief),
            uses: pattern.uses,
            vector:
              some === undefined || some.vector.length === vector?.length ? vector : undefined,
          });
        notes.add(row, id);
      }
      for (const id of edited) {
        const place = notes.rowOf(id);
        const pattern = store.find(id);
        if (place === undefined || pattern === undefined) continue;
        const { answer, belief } = pattern;
        const row = agentDb.edit(place.kind, place.source, answer, confidenceOf(belief));
        if (row !== undefined) notes.renew(row);
      }
    });

  function writeThrough(edited: readonly string[]): void {
    const now = notes.state();
    if (now === undefined || now.phase === 'copying') return;
    try {
      const agentDb = openAgentDb(now.file);
      try {
        write(agentDb, edited);
      } finally {
        agentDb.close();
      }
    } catch (error) {
      onTrouble(`AgentDB's file was not written: ${String(error)}`);
    }
  }

  return {
    write,
    over(own) {
      let depth = 0;
      let isDue = false;
      const edited = new Set<string>();

      /** What is done together is written through when it is done, and not at all when it fails. */
      function within<Result>(work: () => Result): Result {
        depth += 1;
        try {
          return work();
        } catch (error) {
          isDue = false;
          edited.clear();
          throw error;
        } finally {
          depth -= 1;
          if (depth === 0 && (isDue || edited.size > 0)) {
            const ids = [...edited];
            isDue = false;
            edited.clear();
            writeThrough(ids);
          }
        }
      }

      return {
        ...own,
        add: (patterns, space) =>
          within(() => {
            const added = own.add(patterns, space);
            isDue ||= added.added > 0;
            return added;
          }),
        update: (id, edit, vector) =>
          within(() => {
            let isEdited = false;
            const after = own.update(
              id,
              (before) => {
                const next = edit(before);
                isEdited = next.answer !== before.answer || next.quarantine !== before.quarantine;
                return next;
              },
              vector,
            );
            if (after !== undefined && isEdited) edited.add(after.id);
            return after;
          }),
        together: (work) => within(() => own.together(work)),
      };
    },
  };
}
