/**
 * The process that holds the model. A crash in the native code ends this process and nothing else.
 * Its one argument is `EngineOptions` in JSON; it speaks protocol.ts with its parent.
 */
import { AppError } from '../../core/errors.ts';
import { failureClassOf } from '../failure.ts';
import { openEngine } from './engine.ts';
import type { Engine } from './engine.ts';
import { engineInputSchema, engineOptionsSchema } from './protocol.ts';
import type { EngineJob, EngineOutput, EngineResult } from './protocol.ts';

// Ctrl-C reaches the whole process group; the parent decides what becomes of the engine.
process.on('SIGINT', () => {});
// The parent is gone, perhaps killed. SIGKILL, because an exit would wait for native threads.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));

const options = engineOptionsSchema.parse(JSON.parse(process.argv[2] ?? 'null'));
const running = new Map<number, AbortController>();
let opening: Promise<Engine> | undefined;

process.on('message', (message) => {
  const input = engineInputSchema.parse(message);
  if (input.type === 'job') void answer(input.id, input.job);
  else if (input.type === 'cancel') running.get(input.id)?.abort();
  else void stop();
});

async function answer(id: number, job: EngineJob): Promise<void> {
  const abort = new AbortController();
  running.set(id, abort);
  try {
    send({ type: 'done', id, result: await run(id, job, abort.signal) });
  } catch (error) {
    reportFailure(id, error);
  } finally {
    running.delete(id);
  }
}

async function run(id: number, job: EngineJob, signal: AbortSignal): Promise<EngineResult> {
  const engine = await open();
  switch (job.kind) {
    case 'describe':
      return { kind: 'describe', facts: engine.describe() };
    case 'count':
      return { kind: 'count', tokens: engine.countTokens(job.text) };
    case 'embed':
      return { kind: 'embed', ...(await engine.embed(job.texts, signal)) };
    case 'generate':
      return engine.generate(job, signal, {
        prompt: (inputTokens, cachedTokens) =>
          send({ type: 'prompt', id, inputTokens, cachedTokens }),
        token: (text, outputTokens) => send({ type: 'token', id, text, outputTokens }),
      });
  }
}

/** Loads the model once; after a failure the next job tries again, for the file may be mended. */
async function open(): Promise<Engine> {
  opening ??= openEngine(options).catch((error: unknown) => {
    opening = undefined;
    throw error;
  });
  return opening;
}

function reportFailure(id: number, error: unknown): void {
  const failure = failureClassOf(error);
  if (
    error instanceof AppError &&
    (failure === 'model-missing' ||
      failure === 'model-unreadable' ||
      failure === 'context-too-long' ||
      failure === 'unsupported')
  ) {
    send({ type: 'failed', id, failure, message: error.message, hint: error.hint ?? null });
    return;
  }
  // Nobody knows the state of a model that failed in another way: end, and be started afresh.
  process.stderr.write(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exit(1);
}

async function stop(): Promise<void> {
  for (const abort of running.values()) abort.abort();
  const engine = await opening?.catch(() => undefined);
  await engine?.dispose();
  process.exit(0);
}

function send(output: EngineOutput): void {
  // A failed write means that the parent is gone, which `disconnect` sees to.
  process.send?.(output, undefined, undefined, () => {});
}
