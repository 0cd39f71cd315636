import { z } from 'zod';
import { AppError, messageOf } from '../core/errors.ts';
import type { Recording } from '../providers/replay/recording.ts';
import type { Database } from '../storage/database.ts';
import type { TaskResult, Verdict } from './result.ts';

/** Everything that decides what a run does, fixed when it starts. */
export const runPlanSchema = z.strictObject({
  suiteFolder: z.string(),
  suiteName: z.string(),
  suiteHash: z.string(),
  taskIds: z.array(z.string()),
  candidate: z.string(),
  reference: z.string(),
  seed: z.int(),
  maxTokens: z.int(),
  temperature: z.number(),
  rubric: z.enum(['linear', 'plan']),
});
export type RunPlan = z.infer<typeof runPlanSchema>;

export type Side = 'candidate' | 'reference';

export interface StoredRun {
  id: string;
  plan: RunPlan;
  startedAt: string;
  finished: boolean;
}

interface TaskKey {
  runId: string;
  side: Side;
  taskId: string;
  repeat: number;
}

/**
 * Baseline runs in the state database. Each write is one transaction: a crash loses what was not yet written, nothing
 * else. A write that fails throws AppError `storage.not-written`.
 */
export interface RunStore {
  create(run: { id: string; plan: RunPlan; startedAt: string }): void;
  /** The run with this id, or the newest unfinished one. */
  find(id: string | undefined): StoredRun | undefined;
  saveAnswer(
    key: TaskKey,
    answer: { recordingKey: string; recording: Recording; answeredAt: string },
  ): void;
  answer(key: TaskKey): Recording | undefined;
  saveResult(key: TaskKey, result: TaskResult): void;
  results(runId: string, side: Side): TaskResult[];
  finish(id: string, verdict: Verdict, finishedAt: string): void;
  /** The newest answer of a live model to the request that the key stands for. */
  recording(key: string): Recording | undefined;
}

const runRow = z.object({
  id: z.string(),
  plan: z.string(),
  started_at: z.string(),
  finished_at: z.string().nullable(),
});
const answerRow = z.object({ answer: z.string() });
const resultRow = z.object({ result: z.string() });

export function createRunStore(database: Database): RunStore {
  const insertRun = database.prepare(
    'INSERT INTO baseline_runs (id, plan, started_at) VALUES (?, ?, ?)',
  );
  const runById = database.prepare('SELECT * FROM baseline_runs WHERE id = ?');
  const unfinishedRun = database.prepare(
    'SELECT * FROM baseline_runs WHERE finished_at IS NULL ORDER BY started_at DESC, rowid DESC LIMIT 1',
  );
  const upsertAnswer = database.prepare(
    `INSERT OR REPLACE INTO baseline_answers
       (run_id, side, task_id, repeat, recording_key, answer, measured, answered_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const answerByKey = database.prepare(
    'SELECT answer FROM baseline_answers WHERE run_id = ? AND side = ? AND task_id = ? AND repeat = ?',
  );
  const upsertResult = database.prepare(
    'INSERT OR REPLACE INTO baseline_results (run_id, side, task_id, repeat, result) VALUES (?, ?, ?, ?, ?)',
  );
  const resultsOfSide = database.prepare(
    'SELECT result FROM baseline_results WHERE run_id = ? AND side = ? ORDER BY rowid',
  );
  const finishRun = database.prepare(
    'UPDATE baseline_runs SET verdict = ?, finished_at = ? WHERE id = ?',
  );
  const newestRecording = database.prepare(
    'SELECT answer FROM baseline_answers WHERE recording_key = ? AND measured = 1 ORDER BY answered_at DESC LIMIT 1',
  );

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
    find: (id) => {
      const row = id === undefined ? unfinishedRun.get() : runById.get(id);
      if (row === undefined) return undefined;
      const run = runRow.parse(row);
      const plan = runPlanSchema.safeParse(JSON.parse(run.plan));
      if (!plan.success) {
        throw new AppError(
          'baseline.old-run',
          `Run ${run.id} was started by another version of aqe-llm.`,
          {
            hint: 'Start a new run.',
          },
        );
      }
      return {
        id: run.id,
        plan: plan.data,
        startedAt: run.started_at,
        finished: run.finished_at !== null,
      };
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
    saveResult: ({ runId, side, taskId, repeat }, result) => {
      write(() => upsertResult.run(runId, side, taskId, repeat, JSON.stringify(result)));
    },
    results: (runId, side) => resultsOfSide.all(runId, side).map(resultIn),
    finish: (id, verdict, finishedAt) => {
      write(() => finishRun.run(JSON.stringify(verdict), finishedAt, id));
    },
    recording: (key) => recordingIn(newestRecording.get(key)),
  };
}

function write(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    throw new AppError('storage.not-written', `The state cannot be written: ${messageOf(error)}`, {
      hint: 'Make room on the disk of the state folder, then go on with: aqe-llm baseline --resume. What was stored before is kept.',
      cause: error,
    });
  }
}
