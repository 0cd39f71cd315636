import { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import type { Database } from '../../storage/database.ts';
import { withStorage } from '../../storage/failure.ts';
import { lineOf, patternOf, readLine } from '../exchange/line.ts';
import type { Pattern } from '../pattern.ts';
import type { PatternFilter, PatternStore } from '../store.ts';

export const REVIEW_ACTIONS = ['approve', 'edit', 'rate', 'reject', 'skip'] as const;
export type ReviewAction = (typeof REVIEW_ACTIONS)[number];

/** What a person says of a pattern. */
export type Decision = { note?: string | undefined } & (
  | { action: 'approve' | 'reject' | 'skip' }
  /** The answer as it should be; approved with it. */
  | { action: 'edit'; answer: string }
  /** From 1, useless, to 5, right. */
  | { action: 'rate'; rating: number }
);

/** What people say of patterns, kept so that a review can go on later and be taken back. */
export interface Reviews {
  /** Ids that nobody has decided on yet, the least confident first; what was skipped comes last. */
  waiting(filter: PatternFilter): string[];
  /**
   * Writes the decision and what follows from it, both or neither.
   * @throws AppError `patterns.unknown`
   */
  decide(id: string, decision: Decision): Pattern;
  /** Takes the last decision back that still stands, whoever made it; `undefined` where there is none. */
  undo(): { pattern: string; action: ReviewAction } | undefined;
  /** Several decisions, all or none. */
  together<Result>(work: () => Result): Result;
}

/** What a reviewer's word is worth in observations. */
const REVIEWED = 8;
/** The least rating with which an answer counts as verified. */
const GOOD_RATING = 4;

const reviewRow = z.object({
  id: z.int(),
  pattern: z.string(),
  action: z.enum(REVIEW_ACTIONS),
  before: z.string(),
});

export function createReviews(database: Database, store: PatternStore, clock: Clock): Reviews {
  const insert = database.prepare(
    `INSERT INTO pattern_reviews (at, pattern, action, rating, note, before)
     VALUES (?, ?, ?, ?, ?, ?)`,
  );
  const standing = database
    .prepare('SELECT action FROM pattern_reviews WHERE pattern = ? AND undone = 0')
    .pluck();
  const last = database.prepare(
    `SELECT id, pattern, action, before FROM pattern_reviews
     WHERE undone = 0 ORDER BY id DESC LIMIT 1`,
  );
  const takeBack = database.prepare('UPDATE pattern_reviews SET undone = 1 WHERE id = ?');

  return {
    waiting(filter) {
      const fresh: string[] = [];
      const skipped: string[] = [];
      for (const { id } of store.list(filter, { order: 'least-confident' })) {
        const actions = withStorage(() => standing.all(id));
        if (actions.length === 0) fresh.push(id);
        else if (actions.every((action) => action === 'skip')) skipped.push(id);
      }
      return [...fresh, ...skipped];
    },
    decide: (id, decision) =>
      store.together(() => {
        const before = store.find(id);
        if (before === undefined) {
          throw new AppError('patterns.unknown', `There is no pattern ${id} any more.`, {
            hint: 'Somebody else has removed it, or merged it into another one.',
          });
        }
        const rating = decision.action === 'rate' ? decision.rating : null;
        const { action, note = null } = decision;
        insert.run(clock.now(), before.id, action, rating, note, JSON.stringify(lineOf(before)));
        const after = store.update(before.id, (pattern) =>
          reviewed(pattern, decision, clock.now()),
        );
        return after ?? before;
      }),
    undo: () =>
      store.together(() => {
        const row = last.get();
        if (row === undefined) return undefined;
        const { id, pattern, action, before } = reviewRow.parse(row);
        takeBack.run(id);
        store.update(pattern, (now) => restored(now, patternFrom(before, now), clock.now()));
        return { pattern, action };
      }),
    together: (work) => store.together(work),
  };
}

/** A pattern after a decision. */
function reviewed(pattern: Pattern, decision: Decision, updatedAt: number): Pattern {
  const { belief, ...others } = pattern;
  const { quarantine: _released, ...released } = pattern;
  switch (decision.action) {
    case 'skip':
      return pattern;
    case 'approve':
      return {
        ...released,
        verified: 'review',
        belief: { alpha: belief.alpha + REVIEWED, beta: belief.beta },
        updatedAt,
      };
    case 'edit':
      return {
        ...released,
        answer: decision.answer,
        verified: 'review',
        // What was observed was observed of the other answer.
        belief: { alpha: 1 + REVIEWED, beta: 1 },
        outcomes: { good: 0, bad: 0 },
        updatedAt,
      };
    case 'reject': {
      const why = decision.note === undefined ? '' : `: ${decision.note}`;
      return {
        ...others,
        verified: 'no',
        belief: { alpha: belief.alpha, beta: belief.beta + REVIEWED },
        quarantine: `rejected in review${why}`,
        updatedAt,
      };
    }
    case 'rate': {
      const share = (decision.rating - 1) / 4;
      const rated = {
        alpha: belief.alpha + REVIEWED * share,
        beta: belief.beta + REVIEWED * (1 - share),
      };
      if (decision.rating < GOOD_RATING) return { ...pattern, belief: rated, updatedAt };
      return { ...released, verified: 'review', belief: rated, updatedAt };
    }
  }
}

/** A pattern as it was before a review; what was observed since then stays. */
function restored(now: Pattern, before: Pattern, updatedAt: number): Pattern {
  if (now.answer !== before.answer) return { ...before, uses: now.uses, updatedAt };
  const good = now.outcomes.good - before.outcomes.good;
  const bad = now.outcomes.bad - before.outcomes.bad;
  const { alpha, beta } = before.belief;
  return {
    ...before,
    uses: now.uses,
    outcomes: now.outcomes,
    belief: { alpha: alpha + good, beta: beta + bad },
    updatedAt,
  };
}

function patternFrom(stored: string, { id, category }: Pattern): Pattern {
  const { line, problems } = readLine(JSON.parse(stored), 'pattern_reviews');
  if (line === undefined) {
    throw new AppError('storage.unusable', 'A stored review is damaged.', { problems });
  }
  return patternOf(line, { id, category, origin: '', now: 0 });
}
