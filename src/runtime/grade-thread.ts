import { Worker } from 'node:worker_threads';
import { compiledEntry } from '../core/compiled-entry.ts';
import type { JudgedAnswer } from '../patterns/judge.ts';
import type { SandboxDeps } from '../quality/sandbox/sandbox-deps.ts';
import type { Grade } from '../rollout/compare.ts';

/** What the thread is started with. */
export interface GraderData extends Omit<SandboxDeps, 'clock'> {
  allowUnsafe: boolean;
}

/** To the thread: an answer to score, or the number of one that nobody wants any more. */
export type ToGrader = { id: number; judged: JudgedAnswer } | { cancel: number };

/** From the thread. */
export type FromGrader =
  | { id: number; score: number | undefined }
  | { id: number; problem: string };

interface Waiting {
  resolve: (score: number | undefined) => void;
  reject: (error: Error) => void;
}

/**
 * Grades in a thread of its own: preparing a module for its mutants takes a processor for tenths of a
 * second, in which nobody else would be answered. The thread is started with the first answer, keeps
 * no process alive by itself, and is started anew after it has died.
 */
export function gradeApart(data: GraderData): Grade {
  const waiting = new Map<number, Waiting>();
  let thread: Worker | undefined;
  let ids = 0;

  function start(): Worker {
    const worker = new Worker(compiledEntry(import.meta.url, './grade-worker.js'), {
      workerData: data,
      execArgv: [],
    });
    let why = new Error('The thread that grades has ended.');
    worker.on('message', (told: FromGrader) => {
      const waiter = waiting.get(told.id);
      waiting.delete(told.id);
      if (waiting.size === 0) worker.unref();
      if ('problem' in told) waiter?.reject(new Error(told.problem));
      else waiter?.resolve(told.score);
    });
    worker.on('error', (error) => {
      why = new Error(`The thread that grades has ended: ${String(error)}`);
    });
    worker.once('exit', () => {
      thread = undefined;
      for (const { reject } of waiting.values()) reject(why);
      waiting.clear();
    });
    return worker;
  }

  return (judged, signal) =>
    new Promise((resolve, reject) => {
      thread ??= start();
      const worker = thread;
      const id = (ids += 1);
      const cancel = (): void => worker.postMessage({ cancel: id } satisfies ToGrader, []);
      const end = (): void => signal.removeEventListener('abort', cancel);
      waiting.set(id, {
        resolve: (score) => {
          end();
          resolve(score);
        },
        reject: (error) => {
          end();
          reject(error);
        },
      });
      worker.ref();
      worker.postMessage({ id, judged } satisfies ToGrader, []);
      signal.addEventListener('abort', cancel, { once: true });
    });
}
