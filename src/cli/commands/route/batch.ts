import { readFile, realpath } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { AppError, ExitCode, messageOf } from '../../../core/errors.ts';
import { runBatch, type BatchEvent } from '../../../routing/batch.ts';
import { journalOf, openBatchFile } from '../../../routing/batch/batch-file.ts';
import { readBatch, type BatchInput } from '../../../routing/batch/input.ts';
import type { Bind, CommandContext } from '../../main.ts';
import { runtimeFor } from '../../model.ts';
import { lockPath, type ProcessLock } from '../../process-lock.ts';
import { BatchProgress, summaryText } from './batch-progress.ts';
import { wholeNumber } from './options.ts';
import { eventText } from './words.ts';

const EXAMPLES = `
Examples:
  aqe-llm route batch prompts.jsonl -o answers.jsonl
  aqe-llm route batch prompts.jsonl -o answers.jsonl --concurrency 16
  aqe-llm route batch nightly.jsonl -o nightly.out.jsonl --when-convenient

A line of the input is {"id": "a", "prompt": "…"}, or with "messages" instead of "prompt", or a line
of OpenAI's batch files. The output has one line for each, in the same order.

Stopped in any way, the same command goes on where it stopped.

Exit codes: 0 every line is answered · 1 some lines failed, or nobody could answer any more ·
  2 wrong input, usage or internal failure · 5 another process writes the output · 130 interrupted`;

interface BatchFlags {
  output: string;
  concurrency?: number;
  whenConvenient?: boolean;
  force?: boolean;
}

/** Most requests at once that a caller may ask for. */
const MOST_AT_ONCE = 1024;

/** Declares `route batch`. */
export function configureBatch(route: Command, bind: Bind): void {
  route
    .command('batch')
    .argument('<input>', 'a file of requests, one JSON object a line')
    .description('answer a file of requests, in order, resumable')
    .requiredOption('-o, --output <file>', 'where the answers go, one JSON object a line')
    .option(
      '--concurrency <n>',
      'requests at once (default: as many as each target can)',
      wholeNumber(1, MOST_AT_ONCE),
    )
    .option(
      '--when-convenient',
      'what goes to Anthropic and is not private may wait a day there, at half the price',
    )
    .option('--force', 'begin anew, whatever is in the output')
    .addHelpText('after', EXAMPLES)
    .action(bind(batchCommand));
}

/** `route batch`: answers a file of requests. */
export async function batchCommand(
  context: CommandContext,
  inputFile: string,
  flags: BatchFlags,
): Promise<ExitCode> {
  const { host, output } = context;
  const target = path.resolve(host.cwd, flags.output);
  const input = await readInput(path.resolve(host.cwd, inputFile), target);
  const runtime = await runtimeFor(context);
  const { clock } = runtime;
  const lock = await lockPath(journalOf(target), {
    name: flags.output,
    clock,
    output,
    signal: host.signal,
    locked: () => locked(flags.output),
    unusable: (cause) => unwritable(flags.output, cause),
  });
  try {
    return await answer(context, { input, target, flags, runtime, lock });
  } finally {
    await lock.release();
  }
}

interface Job {
  input: BatchInput;
  target: string;
  flags: BatchFlags;
  runtime: Awaited<ReturnType<typeof runtimeFor>>;
  lock: ProcessLock;
}

async function answer(
  { host, output, flags: { verbose = false } }: CommandContext,
  { input, target, flags, runtime, lock }: Job,
): Promise<ExitCode> {
  const { clock } = runtime;
  const file = openBatchFile(target, input, { force: flags.force === true });
  const line = await output.progress();
  const progress = new BatchProgress(line, clock);
  const onStop = (): void => progress.stopping();
  host.signal.addEventListener('abort', onStop, { once: true });
  try {
    const router = await runtime.openRouter({
      onEvent: (event) => {
        const words = eventText(event, verbose);
        if (words !== undefined) line.log(words);
      },
    });
    try {
      const startedAt = clock.monotonic();
      const events = runBatch({
        router,
        input,
        file,
        concurrency: flags.concurrency,
        convenience: {
          ...runtime.openConvenience(),
          enabled: flags.whenConvenient === true,
        },
        signal: AbortSignal.any([host.signal, lock.lost]),
        clock,
      });
      const { total, tally } = await follow(events, progress);
      const summary = { total, ...tally, elapsedMs: clock.monotonic() - startedAt };
      output.result(
        output.json
          ? JSON.stringify({ output: target, answered: total - tally.failed, ...summary })
          : summaryText(summary, flags.output),
      );
      return tally.failed === 0 ? ExitCode.Ok : ExitCode.GateFailed;
    } finally {
      await router.close();
    }
  } catch (error) {
    if (host.signal.aborted) progress.interrupted(file.tally.done, input.lines.length);
    throw error;
  } finally {
    host.signal.removeEventListener('abort', onStop);
    line.stop();
    file.close();
  }
}

async function follow(
  events: AsyncIterable<BatchEvent>,
  progress: BatchProgress,
): Promise<Extract<BatchEvent, { type: 'finished' }>> {
  for await (const event of events) {
    if (event.type === 'finished') return event;
    progress.show(event);
  }
  throw new Error('a batch ended without an end');
}

/** @throws AppError `batch.no-input`, `batch.invalid`, or `batch.same-file` before anything is replaced */
async function readInput(file: string, target: string): Promise<BatchInput> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw new AppError('batch.no-input', `${file} cannot be read: ${messageOf(error)}`, {
      hint: 'Name a file of requests, one JSON object a line.',
      cause: error,
    });
  }
  const existing = await realpath(target).catch(() => undefined);
  if (existing === (await realpath(file))) {
    throw new AppError('batch.same-file', 'The output is the input itself.', {
      hint: 'Name another file with -o.',
    });
  }
  return readBatch(bytes);
}

function locked(file: string): AppError {
  return new AppError('batch.locked', `Another process writes ${file}.`, {
    hint: 'Wait for it, or name another output.',
    exitCode: ExitCode.LockConflict,
  });
}

function unwritable(file: string, cause: unknown): AppError {
  return new AppError('batch.unwritable', `${file} cannot be written: ${messageOf(cause)}`, {
    hint: 'Name an output in a folder that is there and can be written.',
    cause,
  });
}
