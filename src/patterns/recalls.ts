import { z } from 'zod';
import type { Database } from '../storage/database.ts';
import { withStorage } from '../storage/failure.ts';
import type { Observation } from './bound.ts';
import type { Difference } from './guards.ts';

/** What a look-up came to. */
export const RECALL_KINDS = ['exact', 'near', 'ask', 'guarded', 'nothing'] as const;
export type RecallKind = (typeof RECALL_KINDS)[number];

export interface RecallRecord {
  at: number;
  requestId?: string | undefined;
  /** In shadow, nobody got the remembered answer. */
  mode: 'shadow' | 'on';
  kind: RecallKind;
  /** The nearest pattern's id. */
  pattern?: string | undefined;
  similarity?: number | undefined;
  difference?: Difference | undefined;
}

/** Of all look-ups in a span of time. */
export interface RecallRates {
  lookups: number;
  /** Answered from memory, or in shadow would have been. */
  hits: number;
  /** Hits of which somebody knows whether they were right. */
  labelled: number;
  wrong: number;
  /** hits / lookups; NaN without look-ups. */
  hitRate: number;
  /** wrong / labelled; NaN while nothing is labelled. */
  wrongHitRate: number;
}

/** What was looked up and how it turned out: the cache learns from it, and its rates come from it. */
export interface RecallLog {
  /** @returns its number, for `label` */
  record(recall: RecallRecord): number;
  /** Somebody who could tell says whether the remembered answer was right for that request. */
  label(number: number, correct: boolean): void;
  /** Those of the last so many look-ups of a pattern that are labelled. */
  observationsOf(pattern: string): Observation[];
  /** The last of all patterns. */
  observations(): Observation[];
  rates(since: number): RecallRates;
}

const MOST_OBSERVATIONS = 200;
const MOST_OF_ALL = 1000;
const observed = z.array(
  z.object({ similarity: z.number(), correct: z.int() }).transform(({ similarity, correct }) => ({
    similarity,
    correct: correct === 1,
  })),
);
const sums = z.object({ lookups: z.int(), hits: z.int(), labelled: z.int(), wrong: z.int() });

export function createRecallLog(database: Database): RecallLog {
  const insert = database.prepare(
    `INSERT INTO pattern_recalls (at, request_id, mode, kind, row, similarity, difference)
     VALUES (?, ?, ?, ?, (SELECT row FROM patterns WHERE id = ?), ?, ?)`,
  );
  const label = database.prepare('UPDATE pattern_recalls SET correct = ? WHERE id = ?');
  const observations = database.prepare(
    `SELECT similarity, correct FROM pattern_recalls
     WHERE row = (SELECT row FROM patterns WHERE id = ?)
       AND correct IS NOT NULL AND similarity IS NOT NULL AND kind <> 'guarded'
     ORDER BY id DESC LIMIT ${MOST_OBSERVATIONS}`,
  );
  const all = database.prepare(
    `SELECT similarity, correct FROM pattern_recalls
     WHERE correct IS NOT NULL AND kind IN ('near', 'ask') ORDER BY id DESC LIMIT ${MOST_OF_ALL}`,
  );
  const rates = database.prepare(
    `SELECT count(*) AS lookups,
       count(*) FILTER (WHERE kind IN ('exact', 'near')) AS hits,
       count(*) FILTER (WHERE kind IN ('exact', 'near') AND correct IS NOT NULL) AS labelled,
       count(*) FILTER (WHERE kind IN ('exact', 'near') AND correct = 0) AS wrong
     FROM pattern_recalls WHERE at >= ?`,
  );
  return {
    record: ({ at, requestId, mode, kind, pattern, similarity, difference }) =>
      withStorage(() =>
        Number(
          insert.run(
            at,
            requestId ?? null,
            mode,
            kind,
            pattern ?? null,
            similarity ?? null,
            difference ?? null,
          ).lastInsertRowid,
        ),
      ),
    label: (number, correct) => void withStorage(() => label.run(correct ? 1 : 0, number)),
    observationsOf: (pattern) => withStorage(() => observed.parse(observations.all(pattern))),
    observations: () => withStorage(() => observed.parse(all.all())),
    rates(since) {
      const counts = withStorage(() => sums.parse(rates.get(since)));
      return {
        ...counts,
        hitRate: counts.hits / counts.lookups,
        wrongHitRate: counts.wrong / counts.labelled,
      };
    },
  };
}
