import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../core/errors.ts';
import { createExecutor } from '../quality/execution/index.ts';
import { createAnswerGrader } from '../quality/grade-answer.ts';
import { openSandbox } from '../quality/sandbox/open-sandbox.ts';
import { probeSandbox } from '../quality/sandbox/probe.ts';
import type { Grade } from '../rollout/compare.ts';
import type { FromGrader, GraderData, ToGrader } from './grade-thread.ts';
import { SYSTEM_CLOCK } from './system-clock.ts';

/** The thread of `gradeApart`. */
function run({ allowUnsafe, ...machine }: GraderData): void {
  const port = parentPort;
  if (port === null) throw new Error('This module runs as a thread only.');
  const deps = { ...machine, clock: SYSTEM_CLOCK };
  const open = async (): Promise<Grade> => {
    const sandbox = openSandbox(deps, await probeSandbox(deps), { allowUnsafe });
    return createAnswerGrader(createExecutor({ sandbox }));
  };
  let opened: Promise<Grade> | undefined;
  const running = new Map<number, AbortController>();

  async function grade({
    id,
    judged,
  }: Extract<ToGrader, { judged: unknown }>): Promise<FromGrader> {
    const controller = new AbortController();
    running.set(id, controller);
    try {
      opened ??= open().catch((error: unknown) => {
        // Whoever comes next tries again.
        opened = undefined;
        throw error;
      });
      return { id, score: await (await opened)(judged, controller.signal) };
    } catch (error) {
      return { id, problem: messageOf(error) };
    } finally {
      running.delete(id);
    }
  }

  port.on('message', (message: ToGrader) => {
    if ('cancel' in message) running.get(message.cancel)?.abort();
    else void grade(message).then((told) => port.postMessage(told, []));
  });
}

run(workerData);
