import { z } from 'zod';
import { AppError, messageOf } from '../../core/errors.ts';
import type { Database } from '../../storage/database.ts';
import { validationPlanSchema, type ValidationPlan } from './plan.ts';

export interface StoredValidation {
  id: string;
  plan: ValidationPlan;
  startedAt: string;
  finished: boolean;
}

/** What became of one task. */
export interface TaskOutcome {
  task: number;
  base: string;
  /** Of the prompt. */
  hash: Buffer;
  answer:
    | {
        state: 'answered';
        tier: string;
        target: string;
        totalMs: number | null;
        usd: number | null;
      }
    | { state: 'failed'; code: string };
  /** Present where the answer was run. */
  graded?: { score: number; goldScore: number; changed: boolean };
}

/** An answer that was run. */
export interface GradedAnswer {
  task: number;
  base: string;
  score: number;
  goldScore: number;
  changed: boolean;
}

/** Counts over all tasks of a run; nothing of them is held in memory. */
export interface Tallies {
  done: number;
  answered: number;
  cloud: number;
  /** Tasks whose prompt is that of an earlier one. */
  duplicates: number;
  /** Of answers that were timed; `null` where none was. */
  p50Ms: number | null;
  p95Ms: number | null;
  timed: number;
  usd: number;
  /** Answered requests without a known price. */
  unpriced: number;
  /** By code, the most frequent first. */
  errors: { code: string; count: number }[];
  graded: GradedAnswer[];
}

/** Validations in the state database. A write that fails throws AppError `storage.not-written`. */
export interface ValidationStore {
  create(run: { id: string; plan: ValidationPlan; startedAt: string }): void;
  /**
   * The run with this id, or the newest unfinished one.
   * @throws AppError `baseline.old-run`
   */
  find(id: string | undefined): StoredValidation | undefined;
  /** Which tasks have an outcome, one after the other. */
  done(id: string): Iterable<number>;
  /** All or none of them. */
  save(id: string, outcomes: readonly TaskOutcome[]): void;
  tallies(id: string): Tallies;
  finish(id: string, finishedAt: string): void;
}

const runRow = z.object({
  id: z.string(),
  plan: z.string(),
  started_at: z.string(),
  finished_at: z.string().nullable(),
});
const taskRow = z.object({ task: z.number() });
const countsRow = z.object({
  done: z.number(),
  answered: z.number(),
  cloud: z.number(),
  prompts: z.number(),
  timed: z.number(),
  usd: z.number(),
  unpriced: z.number(),
});
const msRow = z.object({ total_ms: z.number() });
const errorRow = z.object({ code: z.string(), count: z.number() });
const gradedRow = z.object({
  task: z.number(),
  base: z.string(),
  score: z.number(),
  gold_score: z.number(),
  changed: z.number(),
});

export function createValidationStore(database: Database): ValidationStore {
  const insertRun = database.prepare(
    'INSERT INTO validation_runs (id, plan, started_at) VALUES (?, ?, ?)',
  );
  const runById = database.prepare('SELECT * FROM validation_runs WHERE id = ?');
  const unfinished = database.prepare(
    'SELECT * FROM validation_runs WHERE finished_at IS NULL ORDER BY started_at DESC, rowid DESC LIMIT 1',
  );
  const doneTasks = database.prepare('SELECT task FROM validation_results WHERE run_id = ?');
  const insertResult = database.prepare(
    `INSERT OR REPLACE INTO validation_results
       (run_id, task, base, hash, tier, target, error, total_ms, usd, score, gold_score, changed)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const counts = database.prepare(
    `SELECT count(*) AS done, count(tier) AS answered,
            count(CASE WHEN tier = 'cloud' THEN 1 END) AS cloud,
            count(DISTINCT hash) AS prompts, count(total_ms) AS timed, total(usd) AS usd,
            count(CASE WHEN tier IS NOT NULL AND usd IS NULL THEN 1 END) AS unpriced
     FROM validation_results WHERE run_id = ?`,
  );
  // The nearest rank: of n times, the ⌈p·n⌉-th.
  const msAt = database.prepare(
    `SELECT total_ms FROM validation_results WHERE run_id = ? AND total_ms IS NOT NULL
     ORDER BY total_ms LIMIT 1 OFFSET ?`,
  );
  const errors = database.prepare(
    `SELECT error AS code, count(*) AS count FROM validation_results
     WHERE run_id = ? AND error IS NOT NULL GROUP BY error ORDER BY count DESC, code`,
  );
  const graded = database.prepare(
    `SELECT task, base, score, gold_score, changed FROM validation_results
     WHERE run_id = ? AND score IS NOT NULL ORDER BY task`,
  );
  const finishRun = database.prepare('UPDATE validation_runs SET finished_at = ? WHERE id = ?');

  const saveAll = database.transaction((id: string, outcomes: readonly TaskOutcome[]) => {
    for (const { task, base, hash, answer, graded: run } of outcomes) {
      const known =
        answer.state === 'answered'
          ? [answer.tier, answer.target, null, answer.totalMs, answer.usd]
          : [null, null, answer.code, null, null];
      const scores =
        run === undefined ? [null, null, null] : [run.score, run.goldScore, Number(run.changed)];
      insertResult.run(id, task, base, hash, ...known, ...scores);
    }
  });

  return {
    create: ({ id, plan, startedAt }) =>
      write(() => insertRun.run(id, JSON.stringify(plan), startedAt)),
    find: (id) => {
      const row = id === undefined ? unfinished.get() : runById.get(id);
      if (row === undefined) return undefined;
      const run = runRow.parse(row);
      const plan = validationPlanSchema.safeParse(JSON.parse(run.plan));
      if (!plan.success) {
        throw new AppError(
          'baseline.old-run',
          `Run ${run.id} was started by another version of aqe-llm.`,
          { hint: 'Start a new run.' },
        );
      }
      const { started_at: startedAt, finished_at: finishedAt } = run;
      return { id: run.id, plan: plan.data, startedAt, finished: finishedAt !== null };
    },
    *done(id) {
      for (const row of doneTasks.iterate(id)) yield taskRow.parse(row).task;
    },
    save: (id, outcomes) => write(() => saveAll(id, outcomes)),
    tallies: (id) => {
      const { prompts, ...count } = countsRow.parse(counts.get(id));
      const msOf = (p: number): number | null => {
        if (count.timed === 0) return null;
        return msRow.parse(msAt.get(id, Math.ceil(p * count.timed) - 1)).total_ms;
      };
      return {
        ...count,
        duplicates: count.done - prompts,
        p50Ms: msOf(0.5),
        p95Ms: msOf(0.95),
        errors: errors.all(id).map((row) => errorRow.parse(row)),
        graded: graded.all(id).map((row) => {
          const { gold_score: goldScore, changed, ...rest } = gradedRow.parse(row);
          return { ...rest, goldScore, changed: changed === 1 };
        }),
      };
    },
    finish: (id, finishedAt) => write(() => finishRun.run(finishedAt, id)),
  };
}

function write(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    throw new AppError('storage.not-written', `The state cannot be written: ${messageOf(error)}`, {
      hint: 'Make room on the disk of the state folder, then go on with: aqe-llm baseline validate --resume. What was stored before is kept.',
      cause: error,
    });
  }
}
