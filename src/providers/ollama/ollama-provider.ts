import { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import type { CompletionRequest } from '../../core/request.ts';
import { failureClassOf, ProviderFailure } from '../failure.ts';
import {
  completeAnswer,
  streamAnswer,
  type AnswerOptions,
  type AnswerPart,
} from '../http/answer.ts';
import { withinTotal, type Deadlines } from '../http/deadlines.ts';
import { createHttpClient } from '../http/http-client.ts';
import type { CallOptions, EmbedOptions, Provider } from '../provider.ts';
import { chatBody } from './chat-body.ts';
import { readChatStream } from './chat-stream.ts';
import { createContextChoice, LONGER_CONTEXT } from './context-choice.ts';
import { readModelFacts, type ModelFacts } from './model-facts.ts';

/** A server that is well answers a small question within this time, in milliseconds. */
const QUESTION_MS = 10_000;

export interface OllamaOptions {
  /** `<server name>:<model>`. */
  id: string;
  /** As `ollama list` shows it; without a tag `latest` is meant. */
  model: string;
  url: string;
  /** For a proxy in front that asks for one. */
  apiKey?: string | undefined;
  deadlines: Deadlines;
  clock: Clock;
  /** Context asked for (`num_ctx`); by default what each request needs. */
  contextTokens?: number | undefined;
  /** How long the model stays loaded: `'10m'`, seconds, or -1 for ever. Ollama's own 5 minutes when absent. */
  keepAlive?: string | number | undefined;
}

const embeddingsSchema = z.looseObject({
  embeddings: z.array(z.array(z.number())),
  prompt_eval_count: z.int().min(0).nullish(),
});
const embeddingSchema = z.looseObject({ embedding: z.array(z.number()) });

/** Ollama through its own interface, which unlike its `/v1` takes a context length. */
export function createOllamaProvider(options: OllamaOptions): Provider {
  const { id, model, deadlines, clock, keepAlive } = options;
  const client = createHttpClient({
    url: options.url,
    connectMs: deadlines.connectMs,
    apiKey: options.apiKey,
    hintOf(failure) {
      if (failure === 'model-missing') return `Run \`ollama pull ${model}\`.`;
      return failure === 'context-too-long' ? LONGER_CONTEXT : undefined;
    },
  });
  const context = createContextChoice({ client, model, configured: options.contextTokens });
  const questionMs = Math.min(QUESTION_MS, deadlines.totalMs);
  let known: ModelFacts | undefined;

  async function factsOf(signal?: AbortSignal): Promise<ModelFacts> {
    known ??= await withinTotal({ totalMs: questionMs, clock, signal }, (within) =>
      readModelFacts(client, model, within),
    );
    return known;
  }

  async function ask(
    request: CompletionRequest,
    signal: AbortSignal,
  ): Promise<AsyncIterable<AnswerPart[]>> {
    const facts = await factsOf(signal);
    const chat = chatBody(request, facts);
    const contextTokens = await context.choose(request, facts, signal);
    const body = {
      model,
      ...chat,
      keep_alive: keepAlive,
      options: { ...chat.options, num_ctx: contextTokens },
    };
    const call = { path: '/api/chat', body, signal };
    return readChatStream(await client.openStream(call, 'application/x-ndjson'));
  }

  function answerOptions(request: CompletionRequest, { signal }: CallOptions): AnswerOptions {
    return { model, request, deadlines, clock, signal, ask: (within) => ask(request, within) };
  }

  async function embedAll(
    texts: readonly string[],
    signal: AbortSignal,
    onUsage: EmbedOptions['onUsage'],
  ): Promise<number[][]> {
    const contextTokens = context.current();
    const common = {
      model,
      keep_alive: keepAlive,
      // Another context than the loaded one would load the model anew.
      ...(contextTokens === undefined ? {} : { options: { num_ctx: contextTokens } }),
    };
    try {
      const body = { ...common, input: texts, truncate: false };
      const call = { path: '/api/embed', body, signal };
      const answer = await client.requestJson(embeddingsSchema, call);
      const { prompt_eval_count: inputTokens } = answer;
      if (typeof inputTokens === 'number') onUsage?.({ inputTokens, outputTokens: 0 });
      return answer.embeddings;
    } catch (error) {
      if (failureClassOf(error) !== 'unsupported') throw error;
    }
    // Before 0.3 there was only this one, for a single text.
    const vectors: number[][] = [];
    for (const prompt of texts) {
      const call = { path: '/api/embeddings', body: { ...common, prompt }, signal };
      vectors.push((await client.requestJson(embeddingSchema, call)).embedding);
    }
    return vectors;
  }

  return {
    id,
    complete: (request, callOptions = {}) => completeAnswer(answerOptions(request, callOptions)),
    stream: (request, callOptions = {}) => streamAnswer(answerOptions(request, callOptions)),
    async embed(texts, { signal, onUsage } = {}) {
      if (texts.length === 0) return [];
      const { totalMs } = deadlines;
      const vectors = await withinTotal({ totalMs, clock, signal }, (within) =>
        embedAll(texts, within, onUsage),
      );
      if (vectors.length === texts.length) return vectors;
      throw new ProviderFailure(
        'malformed',
        `Ollama gave ${vectors.length} vectors for ${texts.length} texts.`,
      );
    },
    // Ollama has no address that counts.
    countTokens: async () => undefined,
    async health() {
      try {
        known = undefined;
        const { versions } = await factsOf();
        return { state: 'ready', detail: `ollama ${versions['ollama'] ?? ''}, ${model}` };
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        const hint = error.hint ?? "Look at the server's log.";
        return { state: 'unavailable', detail: error.message, hint };
      }
    },
    async metadata() {
      const { contextTokens: trained, versions } = await factsOf();
      const limits = [trained, options.contextTokens].filter((it) => it !== undefined);
      const most = limits.length === 0 ? {} : { contextTokens: Math.min(...limits) };
      // OLLAMA_NUM_PARALLEL is 1 unless it is set, and nothing tells.
      return { id, model, ...most, versions, concurrency: 1, replayed: false };
    },
    shutdown: () => client.close(),
  };
}
