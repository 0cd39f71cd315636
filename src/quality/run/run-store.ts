import { z } from 'zod';
import { AppError, messageOf } from '../../core/errors.ts';
import type { Recording } from '../../providers/replay/recording.ts';
import type { Database } from '../../storage/database.ts';
import type { TaskResult, Verdict } from '../result.ts';
import { paceOf, type Pace } from './pace.ts';
import { runPlanSchema, type RunPlan, type Side } from './plan.ts';

export interface StoredRun {
  id: string;
  plan: RunPlan;
  /** ISO 8601, UTC. */
  startedAt: string;
  /** Null while it is not finished. */
  finishedAt: string | null;
}

export interface TaskKey {
  runId: string;
  side: Side;
  taskId: string;
  repeat: number;
}

/** Where a run took place. */
export interface Environment {
  /** Tier of the sandbox. */
  sandbox: string;
  versions: Record<string, string>;
}

/** What a side turned out to be. */
export interface KnownSide {
  /** Its id in reports. */
  name: string;
  versions: Record<string, string>;
}

/** A verdict of an earlier run. */
export interface PastVerdict {
  run: StoredRun;
  candidate: string;
  verdict: Verdict;
}

/** Requests that went out for one question, or for a whole side. */
export interface Attempts {
  /** Those that ended otherwise than by being cancelled. */
  count: number;
  /** US dollars; null where one's price is not known. */
  usd: number | null;
}

/**
 * Baseline runs in the state database. Each write is one transaction: a crash loses what was not yet
 * written, nothing else. A write that fails throws AppError `storage.not-written`.
 */
export interface RunStore {
  create(run: { id: string; plan: RunPlan; startedAt: string }): void;
  /** @throws AppError `baseline.old-run` for a run that another version planned */
  find(id: string): StoredRun | undefined;
  /** The newest run: of those not finished, or of all. */
  newest(which: 'unfinished' | 'any'): StoredRun | undefined;
  saveEnvironment(runId: string, environment: Environment): void;
  environment(runId: string): Environment | undefined;
  saveSide(runId: string, side: Side, known: KnownSide): void;
  side(runId: string, side: Side): KnownSide | undefined;
  saveAnswer(
    key: TaskKey,
    answer: { recordingKey: string; recording: Recording; answeredAt: string },
  ): void;
  answer(key: TaskKey): Recording | undefined;
  /** All answers of a side of a run. */
  answers(runId: string, side: Side): Recording[];
  saveAttempt(key: TaskKey, attempt: { outcome: string; usd: number | undefined }): void;
  /** Of one question. */
  attempts(key: TaskKey): Attempts;
  /** Of a side, or of all sides. */
  spending(runId: string, side?: Side): Attempts;
  saveResult(key: TaskKey, result: TaskResult): void;
  results(runId: string, side: Side): TaskResult[];
  /** Forgets results that are infrastructure errors, so that the run asks again; returns how many. */
  forgetErrors(runId: string): number;
  finish(id: string, verdicts: ReadonlyMap<string, Verdict>, finishedAt: string): void;
  /** The newest answer of a live model to the request that the key stands for. */
  recording(key: string): Recording | undefined;
  /** Verdicts of finished runs of this version, shards left out, the newest first. */
  verdicts(filter: { suite?: string; candidate?: string; limit: number }): PastVerdict[];
  /** How fast a live side has answered; `undefined` where nothing was measured. */
  speedOf(spec: string): Pace | undefined;
}

const runRow = z.object({
  id: z.string(),
  plan: z.string(),
  started_at: z.string(),
  finished_at: z.string().nullable(),
});
const answerRow = z.object({ answer: z.string() });
const resultRow = z.object({ result: z.string() });
const environmentRow = z.object({ environment: z.string().nullable() });
const versionsSchema = z.record(z.string(), z.string());
const environmentSchema = z.object({ sandbox: z.string(), versions: versionsSchema });
const sideRow = z.object({ name: z.string(), versions: z.string() });
const verdictRow = runRow.extend({ candidate: z.string(), verdict: z.string() });
const attemptsRow = z.object({
  count: z.int(),
  usd: z.number().nullable(),
  unknown: z.int(),
});
const timeRow = z.object({ run_id: z.string(), ms: z.number(), answered_at: z.string() });

export function createRunStore(database: Database): RunStore {
  const insertRun = database.prepare(
    'INSERT INTO baseline_runs (id, plan, started_at) VALUES (?, ?, ?)',
  );
  const runById = database.prepare('SELECT * FROM baseline_runs WHERE id = ?');
  const newestRun = database.prepare('SELECT * FROM baseline_runs ORDER BY rowid DESC LIMIT 1');
  const unfinishedRun = database.prepare(
    'SELECT * FROM baseline_runs WHERE finished_at IS NULL ORDER BY started_at DESC, rowid DESC LIMIT 1',
  );
  const updateEnvironment = database.prepare(
    'UPDATE baseline_runs SET environment = ? WHERE id = ?',
  );
  const upsertSide = database.prepare(
    'INSERT OR REPLACE INTO baseline_sides (run_id, side, name, versions) VALUES (?, ?, ?, ?)',
  );
  const sideByName = database.prepare(
    'SELECT name, versions FROM baseline_sides WHERE run_id = ? AND side = ?',
  );
  const upsertAnswer = database.prepare(
    `INSERT OR REPLACE INTO baseline_answers
       (run_id, side, task_id, repeat, recording_key, answer, measured, answered_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const answerByKey = database.prepare(
    'SELECT answer FROM baseline_answers WHERE run_id = ? AND side = ? AND task_id = ? AND repeat = ?',
  );
  const answersOfSide = database.prepare(
    'SELECT answer FROM baseline_answers WHERE run_id = ? AND side = ? ORDER BY rowid',
  );
  const upsertResult = database.prepare(
    'INSERT OR REPLACE INTO baseline_results (run_id, side, task_id, repeat, result) VALUES (?, ?, ?, ?, ?)',
  );
  const resultsOfSide = database.prepare(
    'SELECT result FROM baseline_results WHERE run_id = ? AND side = ? ORDER BY rowid',
  );
  const deleteErrors = database.prepare(
    `DELETE FROM baseline_results WHERE run_id = ? AND json_extract(result, '$.state') = 'error'`,
  );
  const reopenRun = database.prepare('UPDATE baseline_runs SET finished_at = NULL WHERE id = ?');
  const finishRun = database.prepare('UPDATE baseline_runs SET finished_at = ? WHERE id = ?');
  const upsertVerdict = database.prepare(
    'INSERT OR REPLACE INTO baseline_verdicts (run_id, candidate, verdict) VALUES (?, ?, ?)',
  );
  const newestRecording = database.prepare(
    'SELECT answer FROM baseline_answers WHERE recording_key = ? AND measured = 1 ORDER BY answered_at DESC LIMIT 1',
  );
  const pastVerdicts = database.prepare(
    `SELECT run.*, candidate, verdict FROM baseline_verdicts JOIN baseline_runs AS run ON run.id = run_id
     WHERE finished_at IS NOT NULL AND json_extract(plan, '$.version') = 2
       AND json_extract(verdict, '$.state') <> 'partial'
       AND (:suite IS NULL OR json_extract(plan, '$.suiteName') = :suite)
       AND (:candidate IS NULL OR candidate = :candidate)
     ORDER BY finished_at DESC, run.rowid DESC LIMIT :limit`,
  );
  // The newest hundred: a machine may have become faster since.
  const times = database.prepare(
    `SELECT run_id, answered_at, json_extract(answer, '$.completion.timing.totalMs') AS ms
     FROM baseline_answers JOIN baseline_runs ON id = run_id
     WHERE measured = 1 AND iif(side = 'reference', json_extract(plan, '$.reference'), side) = ?
       AND json_extract(answer, '$.completion.timing.totalMs') IS NOT NULL
     ORDER BY answered_at DESC LIMIT 100`,
  );
  const insertAttempt = database.prepare(
    'INSERT INTO baseline_attempts (run_id, side, task_id, repeat, outcome, usd) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const attemptSums = `SELECT count(*) FILTER (WHERE outcome <> 'cancelled') AS count, sum(usd) AS usd,
    count(*) FILTER (WHERE usd IS NULL) AS unknown FROM baseline_attempts WHERE run_id = ?`;
  const attemptsOfTask = database.prepare(
    `${attemptSums} AND side = ? AND task_id = ? AND repeat = ?`,
  );
  const attemptsOfSide = database.prepare(`${attemptSums} AND side = ?`);
  const attemptsOfRun = database.prepare(attemptSums);

  // What these columns hold was written below, from values of these types.
  const recordingIn = (row: unknown): Recording | undefined => {
    if (row === undefined) return undefined;
    const recording: Recording = JSON.parse(answerRow.parse(row).answer);
    return recording;
  };
  const resultIn = (row: unknown): TaskResult => {
    const result: TaskResult = JSON.parse(resultRow.parse(row).result);
    return result;
  };

  return {
    create: ({ id, plan, startedAt }) => {
      write(() => insertRun.run(id, JSON.stringify(plan), startedAt));
    },
    find: (id) => runIn(runById.get(id)),
    newest: (which) => runIn((which === 'any' ? newestRun : unfinishedRun).get()),
    saveEnvironment: (runId, environment) => {
      write(() => updateEnvironment.run(JSON.stringify(environment), runId));
    },
    environment: (runId) => {
      const row = runById.get(runId);
      const text = row === undefined ? null : environmentRow.parse(row).environment;
      return text === null ? undefined : environmentSchema.parse(JSON.parse(text));
    },
    saveSide: (runId, side, { name, versions }) => {
      write(() => upsertSide.run(runId, side, name, JSON.stringify(versions)));
    },
    side: (runId, side) => {
      const row = sideByName.get(runId, side);
      if (row === undefined) return undefined;
      const { name, versions } = sideRow.parse(row);
      return { name, versions: versionsSchema.parse(JSON.parse(versions)) };
    },
    saveAnswer: (key, { recordingKey, recording, answeredAt }) => {
      const { runId, side, taskId, repeat } = key;
      const measured = recording.completion.timing.measured ? 1 : 0;
      const answer = JSON.stringify(recording);
      write(() =>
        upsertAnswer.run(runId, side, taskId, repeat, recordingKey, answer, measured, answeredAt),
      );
    },
    answer: ({ runId, side, taskId, repeat }) =>
      recordingIn(answerByKey.get(runId, side, taskId, repeat)),
    answers: (runId, side) =>
      answersOfSide.all(runId, side).flatMap((row) => recordingIn(row) ?? []),
    saveAttempt: ({ runId, side, taskId, repeat }, { outcome, usd }) => {
      write(() => insertAttempt.run(runId, side, taskId, repeat, outcome, usd ?? null));
    },
    attempts: ({ runId, side, taskId, repeat }) =>
      attemptsIn(attemptsOfTask.get(runId, side, taskId, repeat)),
    spending: (runId, side) =>
      attemptsIn(side === undefined ? attemptsOfRun.get(runId) : attemptsOfSide.get(runId, side)),
    saveResult: ({ runId, side, taskId, repeat }, result) => {
      write(() => upsertResult.run(runId, side, taskId, repeat, JSON.stringify(result)));
    },
    results: (runId, side) => resultsOfSide.all(runId, side).map(resultIn),
    forgetErrors: (runId) => {
      const forget = database.transaction(() => {
        const { changes } = deleteErrors.run(runId);
        if (changes > 0) reopenRun.run(runId);
        return changes;
      });
      return write(() => forget.immediate());
    },
    finish: (id, verdicts, finishedAt) => {
      const end = database.transaction(() => {
        for (const [candidate, verdict] of verdicts) {
          upsertVerdict.run(id, candidate, JSON.stringify(verdict));
        }
        finishRun.run(finishedAt, id);
      });
      write(() => end.immediate());
    },
    recording: (key) => recordingIn(newestRecording.get(key)),
    verdicts: ({ suite = null, candidate = null, limit }) =>
      pastVerdicts.all({ suite, candidate, limit }).flatMap((row) => {
        const { candidate: of, verdict: text } = verdictRow.parse(row);
        const run = runIn(row);
        const verdict: Verdict = JSON.parse(text);
        return run === undefined ? [] : { run, candidate: of, verdict };
      }),
    speedOf: (spec) =>
      paceOf(
        times.all(spec).map((row) => {
          const { run_id: runId, ms, answered_at: answeredAt } = timeRow.parse(row);
          return { runId, ms, answeredAt: Date.parse(answeredAt) };
        }),
      ),
  };
}

function runIn(row: unknown): StoredRun | undefined {
  if (row === undefined) return undefined;
  const run = runRow.parse(row);
  const plan = runPlanSchema.safeParse(JSON.parse(run.plan));
  if (!plan.success) {
    throw new AppError(
      'baseline.old-run',
      `Run ${run.id} was started by another version of aqe-llm.`,
      { hint: 'Start a new run.' },
    );
  }
  return { id: run.id, plan: plan.data, startedAt: run.started_at, finishedAt: run.finished_at };
}

function attemptsIn(row: unknown): Attempts {
  const { count, usd, unknown } = attemptsRow.parse(row);
  return { count, usd: unknown > 0 ? null : (usd ?? 0) };
}

function write<Result>(action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    throw new AppError('storage.not-written', `The state cannot be written: ${messageOf(error)}`, {
      hint: 'Make room on the disk of the state folder, then go on with: aqe-llm baseline --resume. What was stored before is kept.',
      cause: error,
    });
  }
}
