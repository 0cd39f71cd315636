import { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import type { CompletionRequest } from '../../core/request.ts';
import { ProviderFailure } from '../failure.ts';
import {
  completeAnswer,
  streamAnswer,
  type AnswerOptions,
  type AnswerPart,
} from '../http/answer.ts';
import { withinTotal, type Deadlines } from '../http/deadlines.ts';
import { createHttpClient } from '../http/http-client.ts';
import { promptTokensAtMost } from '../http/prompt-bound.ts';
import type { CallOptions, Provider } from '../provider.ts';
import { chatBody } from './chat-body.ts';
import { readChatStream } from './chat-stream.ts';
import { countPrompt, countText } from './count-tokens.ts';
import { describeServer, findServedModel, type Server } from './server.ts';
import { countSlots, createSlots, type HeldSlot } from './slots.ts';

/** A server that is well answers a small question within this time, in milliseconds. */
const QUESTION_MS = 10_000;

export interface OpenAiCompatibleOptions {
  /** `<server name>:<model>`. */
  id: string;
  /** As the server lists it; a LoRA adapter's name too. */
  model: string;
  /** Without `/v1`. */
  url: string;
  apiKey?: string | undefined;
  deadlines: Deadlines;
  clock: Clock;
  /** For llama-server: whether a prompt's beginning is taken from the slot's last one (by default it is). */
  cachePrompt?: boolean | undefined;
}

const embeddingsSchema = z.looseObject({
  data: z.array(z.looseObject({ index: z.int().min(0), embedding: z.array(z.number()) })),
  usage: z.looseObject({ prompt_tokens: z.int().min(0).nullish() }).nullish(),
});

/** vLLM, llama-server, or another server of OpenAI's `/v1`. What it is, it is asked by the first call. */
export function createOpenAiCompatibleProvider(options: OpenAiCompatibleOptions): Provider {
  const { id, model, deadlines, clock } = options;
  const client = createHttpClient({
    url: options.url.replace(/\/v1\/?$/, ''),
    connectMs: deadlines.connectMs,
    apiKey: options.apiKey,
    hintOf(failure) {
      if (failure === 'auth') return 'Name the variable that holds the key as `apiKeyEnv`.';
      if (failure !== 'model-missing') return undefined;
      return `Start the server with ${model}, or load the adapter of that name.`;
    },
  });
  const questionMs = Math.min(QUESTION_MS, deadlines.totalMs);
  const slots = createSlots();
  let known: Server | undefined;

  async function question<T>(
    run: (signal: AbortSignal) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    return withinTotal({ totalMs: questionMs, clock, signal }, run);
  }

  async function describe(signal?: AbortSignal): Promise<Server> {
    known = await question((within) => describeServer(client, within), signal);
    return known;
  }

  /** The server, and the model's name there. Throws `model-missing`. */
  async function locate(signal?: AbortSignal): Promise<{ server: Server; name: string }> {
    let server = known ?? (await describe(signal));
    // An adapter may have been loaded since the server was asked.
    if (missing(server)) server = await describe(signal);
    if (server.models === undefined) return { server, name: model };
    const served = findServedModel(server.models, model);
    if (served !== undefined) return { server, name: served.id };
    const ids = server.models.map((it) => it.id).join(', ');
    throw new ProviderFailure('model-missing', `The server does not serve ${model}.`, {
      hint: ids === '' ? 'Start it with this model.' : `It serves ${ids}.`,
    });
  }

  function missing({ models }: Server): boolean {
    return models !== undefined && findServedModel(models, model) === undefined;
  }

  /** Most tokens the answer may have. Throws `context-too-long` where the prompt leaves no room. */
  async function roomFor(
    request: CompletionRequest,
    server: Server,
    name: string,
    signal: AbortSignal,
  ): Promise<number> {
    const { maxTokens } = request;
    const { contextTokens } = server;
    if (contextTokens === undefined) return maxTokens;
    if (promptTokensAtMost(request) + maxTokens <= contextTokens) return maxTokens;
    const prompt = await countPrompt(request, { client, server, model: name, signal });
    // A server that counts no tokens refuses too long a prompt itself.
    if (prompt === undefined) return maxTokens;
    if (prompt < contextTokens) return Math.min(maxTokens, contextTokens - prompt);
    throw new ProviderFailure(
      'context-too-long',
      `The prompt has ${prompt} tokens and leaves no room for an answer in the context of ${contextTokens}.`,
      { hint: 'Shorten the prompt, or start the server with a longer context.' },
    );
  }

  async function ask(
    request: CompletionRequest,
    session: string | undefined,
    signal: AbortSignal,
  ): Promise<AsyncIterable<AnswerPart[]>> {
    const { server, name } = await locate(signal);
    const maxTokens = await roomFor(request, server, name, signal);
    const isLlamaServer = server.kind === 'llama-server';
    const held =
      isLlamaServer && session !== undefined
        ? slots.take(session, await countSlots(client, signal))
        : undefined;
    const body = {
      model: name,
      max_tokens: maxTokens,
      ...chatBody(request, server.kind),
      ...(isLlamaServer ? { cache_prompt: options.cachePrompt, id_slot: held?.slot } : {}),
    };
    const path = '/v1/chat/completions';
    // llama-server closes the connection after a stream, and a call that reuses it meanwhile breaks.
    const call = { path, body, last: isLlamaServer, signal };
    try {
      const parts = readChatStream(await client.openStream(call, 'text/event-stream'));
      return held === undefined ? parts : whileHeld(held, parts);
    } catch (error) {
      held?.release();
      throw error;
    }
  }

  function answerOptions(
    request: CompletionRequest,
    { signal, session }: CallOptions,
  ): AnswerOptions {
    const asked = (within: AbortSignal): ReturnType<typeof ask> => ask(request, session, within);
    return { model, request, deadlines, clock, signal, ask: asked };
  }

  return {
    id,
    complete: (request, callOptions = {}) => completeAnswer(answerOptions(request, callOptions)),
    stream: (request, callOptions = {}) => streamAnswer(answerOptions(request, callOptions)),
    async embed(texts, { signal, onUsage } = {}) {
      if (texts.length === 0) return [];
      const { name } = await locate(signal);
      const { data, usage } = await withinTotal(
        { totalMs: deadlines.totalMs, clock, signal },
        (within) =>
          client.requestJson(embeddingsSchema, {
            path: '/v1/embeddings',
            body: { model: name, input: texts },
            signal: within,
          }),
      );
      const inputTokens = usage?.prompt_tokens;
      if (typeof inputTokens === 'number') onUsage?.({ inputTokens, outputTokens: 0 });
      const vectors = data.toSorted((a, b) => a.index - b.index).map(({ embedding }) => embedding);
      if (vectors.length === texts.length) return vectors;
      throw new ProviderFailure(
        'malformed',
        `The server gave ${vectors.length} vectors for ${texts.length} texts.`,
      );
    },
    async countTokens(text) {
      const { server, name } = await locate();
      return question((signal) => countText(text, { client, server, model: name, signal }));
    },
    async health() {
      try {
        const { status } = await question((signal) =>
          client.send({ method: 'GET', path: '/health', signal }),
        );
        if (status === 503) {
          return {
            state: 'unavailable',
            detail: 'The server is loading its model, or its engine is dead (503).',
            hint: "Wait a little; if it stays so, look at the server's log.",
          };
        }
        await describe();
        const { server, name } = await locate();
        const versions = Object.entries(server.versions).map((entry) => entry.join(' '));
        return { state: 'ready', detail: [...versions, name].join(', ') };
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        const hint = error.hint ?? "Look at the server's log.";
        return { state: 'unavailable', detail: error.message, hint };
      }
    },
    async metadata() {
      const { server } = await locate();
      const { contextTokens, concurrency, versions } = server;
      const context = contextTokens === undefined ? {} : { contextTokens };
      return { id, model, ...context, versions, concurrency, replayed: false };
    },
    shutdown: () => client.close(),
  };
}

async function* whileHeld<Part>(held: HeldSlot, parts: AsyncIterable<Part>): AsyncGenerator<Part> {
  try {
    yield* parts;
  } finally {
    held.release();
  }
}
