import { availableParallelism } from 'node:os';
import type { Clock } from '../../core/clock.ts';
import { compiledEntry } from '../../core/compiled-entry.ts';
import { AppError } from '../../core/errors.ts';
import { createEventQueue } from '../../core/event-queue.ts';
import type { EventQueue } from '../../core/event-queue.ts';
import type { Completion, CompletionRequest, Usage } from '../../core/request.ts';
import { failureClassOf, ProviderFailure } from '../failure.ts';
import type { CallOptions, Provider, StreamEvent } from '../provider.ts';
import { createEngineClient } from './engine-client.ts';
import { engineEnvironment } from './engine-environment.ts';
import { checkModelFile, MODEL_HINT } from './model-file.ts';
import type { EngineOptions, EngineProgress } from './protocol.ts';

export interface EmbeddedProviderOptions {
  /** The name of the model in reports and recordings. */
  modelId: string;
  /** A GGUF file. */
  modelPath: string;
  /** Threads of the engine. The default leaves one core free: with as many as cores, llama.cpp's spin against every other process. */
  threads?: number | undefined;
  /** Most tokens of prompt and answer together. By default what the model was trained on, at most 8,192. */
  contextTokens?: number | undefined;
  /** `auto` uses a GPU where one works. */
  gpu?: 'auto' | 'off' | undefined;
  /** Variables of this process, of which the engine gets the few it needs. */
  environment: Readonly<Record<string, string | undefined>>;
  clock: Clock;
}

/**
 * llama.cpp in a process of its own, which is started by the first call and loads the model then.
 * Answers come one after the other. Equal requests outside of sessions give equal texts on one
 * machine with one set of options; the last four sessions each keep what was evaluated of them.
 */
export function createEmbeddedProvider(options: EmbeddedProviderOptions): Provider {
  const { modelId, modelPath, clock } = options;
  const id = `embedded:${modelId}`;
  const engineOptions: EngineOptions = {
    modelPath,
    threads: options.threads ?? Math.max(1, availableParallelism() - 1),
    contextTokens: options.contextTokens ?? null,
    gpu: options.gpu ?? 'auto',
  };
  const engine = createEngineClient({
    entry: compiledEntry(import.meta.url, './engine-process.js'),
    argument: JSON.stringify(engineOptions),
    environment: engineEnvironment(options.environment),
    clock,
  });

  /** Never rejects for an abort: what came until then is a cancelled completion. */
  async function generate(
    request: CompletionRequest,
    { signal, session }: CallOptions,
    onText: (text: string) => void,
  ): Promise<Completion> {
    const startedAt = clock.monotonic();
    const usage: Usage = {};
    let text = '';
    let ttftMs: number | undefined;

    function onProgress(progress: EngineProgress): void {
      if (progress.type === 'prompt') {
        usage.inputTokens = progress.inputTokens;
        usage.cachedInputTokens = progress.cachedTokens;
        usage.outputTokens = 0;
        return;
      }
      ttftMs ??= clock.monotonic() - startedAt;
      usage.outputTokens = progress.outputTokens;
      if (progress.text === '') return;
      text += progress.text;
      onText(progress.text);
    }

    function completion(finishReason: Completion['finishReason']): Completion {
      const totalMs = clock.monotonic() - startedAt;
      const timing = { totalMs, measured: true, ...(ttftMs === undefined ? {} : { ttftMs }) };
      return { model: modelId, text, finishReason, usage, timing };
    }

    refuseWhatItCannot(request);
    const { messages, maxTokens, temperature, seed } = request;
    const job = {
      kind: 'generate' as const,
      messages: messages.flatMap(({ role, content }) =>
        role === 'tool' ? [] : [{ role, content }],
      ),
      maxTokens,
      temperature,
      seed,
      session: session ?? null,
    };
    try {
      const result = await engine.run(job, { signal, onProgress });
      usage.outputTokens = result.outputTokens;
      return completion(result.finishReason);
    } catch (error) {
      if (signal?.aborted === true && failureClassOf(error) === 'cancelled') {
        return completion('cancelled');
      }
      throw error;
    }
  }

  async function feed(
    request: CompletionRequest,
    callOptions: CallOptions,
    events: EventQueue<StreamEvent>,
  ): Promise<void> {
    try {
      const onText = (text: string): void => events.push({ type: 'text', text });
      events.push({ type: 'finished', completion: await generate(request, callOptions, onText) });
      events.close();
    } catch (error) {
      events.fail(error);
    }
  }

  return {
    id,
    async complete(request, callOptions = {}) {
      const completion = await generate(request, callOptions, () => {});
      if (completion.finishReason === 'cancelled') {
        throw new ProviderFailure('cancelled', 'The call was cancelled.');
      }
      return completion;
    },
    async *stream(request, { signal, ...callOptions } = {}) {
      const left = new AbortController();
      const ends = signal === undefined ? left.signal : AbortSignal.any([signal, left.signal]);
      const events = createEventQueue<StreamEvent>();
      void feed(request, { ...callOptions, signal: ends }, events);
      try {
        yield* events;
      } finally {
        // A reader who leaves the loop early wants no more tokens.
        left.abort();
      }
    },
    async embed(texts, { signal, onUsage } = {}) {
      const result = await engine.run({ kind: 'embed', texts: [...texts] }, { signal });
      onUsage?.({ inputTokens: result.tokens, outputTokens: 0 });
      return result.vectors;
    },
    async countTokens(text) {
      return (await engine.run({ kind: 'count', text })).tokens;
    },
    async health() {
      try {
        const bytes = await checkModelFile(modelPath);
        return { state: 'ready', detail: `${modelPath} (${Math.round(bytes / 1e6)} MB)` };
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        return { state: 'unavailable', detail: error.message, hint: error.hint ?? MODEL_HINT };
      }
    },
    async metadata() {
      const { facts } = await engine.run({ kind: 'describe' });
      return { id, model: modelId, ...facts, concurrency: 1, replayed: false };
    },
    shutdown: () => engine.shutdown(),
  };
}

/** An answer that takes no notice of these would be another one than was asked for. */
function refuseWhatItCannot({
  messages,
  tools,
  toolChoice,
  responseFormat,
  stop,
}: CompletionRequest): void {
  const asked = [
    tools !== undefined && tools.length > 0 && toolChoice !== 'none' ? 'tools' : undefined,
    messages.some(({ role }) => role === 'tool') ? 'results of tools' : undefined,
    responseFormat === undefined ? undefined : 'a format for the answer',
    stop === undefined || stop.length === 0 ? undefined : 'stop words',
  ].filter((it) => it !== undefined);
  if (asked.length === 0) return;
  throw new ProviderFailure('unsupported', `The embedded engine takes no ${asked.join(', no ')}.`);
}
