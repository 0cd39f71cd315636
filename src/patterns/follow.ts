import { z } from 'zod';
import { messageOf } from '../core/errors.ts';
import type { Database } from '../storage/database.ts';
import type { VectorIndex } from './index/vector-index.ts';
import { vectorOf } from './vector.ts';

/** Keeps an index at the state of the store, whoever wrote to it. */
export interface Follower {
  readonly index: VectorIndex;
  /** Takes in what was written since the last time, by this process or another. */
  catchUp(): void;
  stop(): void;
}

const newVectors = z.array(z.tuple([z.int(), z.instanceof(Buffer)]));
const burials = z.array(z.tuple([z.int(), z.int()]));

/** Between two slices of work: others have their turn. */
const PAUSE_MS = 1;
/** Rows that are read in one go. */
const PAGE = 1000;

export function createFollower(
  database: Database,
  index: VectorIndex,
  onTrouble: (message: string) => void,
): Follower {
  const written = database
    .prepare(
      `SELECT label, vector FROM pattern_vectors WHERE label > ? ORDER BY label LIMIT ${PAGE}`,
    )
    .raw();
  const buried = database
    .prepare('SELECT label, number FROM pattern_burials WHERE number > ? ORDER BY number')
    .raw();
  let timer: NodeJS.Timeout | undefined;

  /** Inserts what waits for its place in the graph, a slice at a time, and writes the file now and then. */
  function workLater(): void {
    if (timer !== undefined || !index.isUnsettled()) return;
    timer = setTimeout(() => {
      timer = undefined;
      index.work();
      if (index.isUnsettled()) workLater();
      else index.save().catch((error: unknown) => onTrouble(messageOf(error)));
    }, PAUSE_MS);
    timer.unref();
  }

  return {
    index,
    catchUp() {
      let rows: z.output<typeof newVectors>;
      do {
        rows = newVectors.parse(written.all(index.label));
        for (const [label, bytes] of rows) index.add(label, vectorOf(bytes));
      } while (rows.length === PAGE);
      for (const [label, number] of burials.parse(buried.all(index.burial))) {
        index.bury(label, number);
      }
      workLater();
    },
    stop() {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
