import type { Clock } from '../../core/clock.ts';
import { AppError, messageOf } from '../../core/errors.ts';
import { deriveSeed } from '../../core/random.ts';
import type { Completion, CompletionRequest } from '../../core/request.ts';
import { failureClassOf, traitsOf, ProviderFailure } from '../../providers/failure.ts';
import type { Provider } from '../../providers/provider.ts';
import type {
  AttemptListener,
  AttemptReport,
  ResilientCallOptions,
} from '../../routing/attempt.ts';
import type { Recording } from '../../providers/replay/recording.ts';
import { endsInLoop } from '../repetition.ts';
import { kindOf } from '../kinds/registry.ts';
import type { Suite, Task } from '../suites/suite.ts';

export interface Sampling {
  maxTokens: number;
  temperature: number;
  /** Seed of the run; each task and repetition gets its own from it. */
  seed: number;
}

/** The request that asks for a task's answer. */
export function requestFor(
  suite: Suite,
  task: Task,
  repeat: number,
  sampling: Sampling,
): CompletionRequest {
  const content = kindOf(task.category).prompt(task, suite.prompts[task.category] ?? '');
  return {
    messages: [{ role: 'user', content }],
    maxTokens: sampling.maxTokens,
    temperature: sampling.temperature,
    seed: deriveSeed(sampling.seed, task.id, String(repeat)),
    repeat,
  };
}

/** How far an answer has come. */
export interface GenerationProgress {
  /** Pieces of text so far, about one a token. */
  pieces: number;
  /** Milliseconds since the call. */
  elapsedMs: number;
}

export interface GenerateOptions {
  clock: Clock;
  signal: AbortSignal;
  onProgress: (progress: GenerationProgress) => void;
  /** Told of each request that goes out, by whoever sends it. */
  onAttempt: AttemptListener;
}

/** New characters after which an answer is looked at for repetition. */
const LOOK_EVERY = 80;
/** An answer longer than this is stopped: no test file asked for here needs it. */
const MOST_CHARACTERS = 256 * 1024;
/** Silence after which an engine is given up. Loading a large model from a slow disk takes a minute or two. */
const SILENCE_MS = 5 * 60_000;
const ATTEMPTS = 2;

/**
 * Asks for one answer. An answer that repeats itself or never ends is stopped early and kept; an
 * engine that dies is asked once more.
 * @throws AppError `provider.<class>`; `provider.cancelled` when `signal` aborts
 */
export async function generate(
  provider: Provider,
  request: CompletionRequest,
  options: GenerateOptions,
): Promise<Recording> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptAnswer(provider, request, options);
    } catch (error) {
      const failure = failureClassOf(error);
      if (failure === undefined || !traitsOf(failure).retryable || attempt === ATTEMPTS)
        throw error;
    }
  }
}

/** Tells of an attempt where the provider, which knows nothing of retries, does not. */
async function attemptAnswer(
  provider: Provider,
  request: CompletionRequest,
  options: GenerateOptions,
): Promise<Recording> {
  const { clock } = options;
  let told = false;
  const onAttempt: AttemptListener = () => {
    told = true;
    return options.onAttempt();
  };
  const startedAt = clock.now();
  const start = clock.monotonic();
  const tell = (outcome: AttemptReport['outcome'], completion?: Completion): void => {
    if (told) return;
    const { usage, timing } = completion ?? {};
    options.onAttempt()({
      providerId: provider.id,
      startedAt,
      outcome,
      ...(usage === undefined ? {} : { usage }),
      ...(timing?.ttftMs === undefined ? {} : { ttftMs: timing.ttftMs }),
      totalMs: clock.monotonic() - start,
    });
  };
  try {
    const recording = await readAnswer(provider, request, { ...options, onAttempt });
    tell('ok', recording.completion);
    return recording;
  } catch (error) {
    const failure = failureClassOf(error);
    if (failure !== undefined) tell(failure);
    throw error;
  }
}

async function readAnswer(
  provider: Provider,
  request: CompletionRequest,
  { clock, signal, onProgress, onAttempt }: GenerateOptions,
): Promise<Recording> {
  const stop = new AbortController();
  const watch = new AbortController();
  const started = clock.monotonic();
  let lastHeard = started;
  let silent = false;
  void watchSilence();

  let text = '';
  let pieces = 0;
  let looked = 0;
  let looped = false;
  let completion: Completion | undefined;
  try {
    const callOptions: ResilientCallOptions = {
      signal: AbortSignal.any([signal, stop.signal]),
      onAttempt,
    };
    for await (const event of provider.stream(request, callOptions)) {
      lastHeard = clock.monotonic();
      if (event.type === 'finished') {
        completion = event.completion;
        continue;
      }
      // No tools are offered to a candidate.
      if (event.type === 'tool-call') continue;
      text += event.text;
      pieces += 1;
      onProgress({ pieces, elapsedMs: lastHeard - started });
      if (text.length - looked >= LOOK_EVERY) {
        looked = text.length;
        looped ||= endsInLoop(text);
        if (looped || text.length > MOST_CHARACTERS) stop.abort();
      }
    }
  } finally {
    watch.abort();
  }
  if (signal.aborted) throw new ProviderFailure('cancelled', 'Generation was cancelled.');
  if (silent) {
    throw new ProviderFailure(
      'timeout',
      `${provider.id} gave no token for ${SILENCE_MS / 60_000} minutes.`,
      {
        hint: 'Check that the model fits into memory, or choose a smaller one.',
      },
    );
  }
  if (completion === undefined) {
    throw new ProviderFailure(
      'engine-crashed',
      `${provider.id} ended its answer without a last word.`,
    );
  }
  return { completion, looped };

  async function watchSilence(): Promise<void> {
    try {
      while (!watch.signal.aborted) {
        const left = lastHeard + SILENCE_MS - clock.monotonic();
        if (left <= 0) {
          silent = true;
          stop.abort();
          return;
        }
        await clock.sleep(left, watch.signal);
      }
    } catch {
      // The watch ended with the answer.
    }
  }
}

/** What is stored of a failure that is not the model's. */
export function infrastructureError(error: unknown): { code: string; message: string } {
  const code = error instanceof AppError ? error.code : 'internal';
  return { code, message: messageOf(error) };
}
