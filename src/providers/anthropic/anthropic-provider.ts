import type Anthropic from '@anthropic-ai/sdk';
import type { CompletionRequest } from '../../core/request.ts';
import { classify } from '../classify.ts';
import { ProviderFailure } from '../failure.ts';
import { completeAnswer, streamAnswer } from '../http/answer.ts';
import type { AnswerOptions, AnswerPart } from '../http/answer.ts';
import { promptTokensAtMost } from '../http/prompt-bound.ts';
import type { CallOptions, Provider } from '../provider.ts';
import { createAnthropicClient, failureOf } from './client.ts';
import type { AnthropicClientOptions } from './client.ts';
import { createEventReader } from './events.ts';
import { promptOf, requestBody } from './request-body.ts';

export interface AnthropicProviderOptions extends AnthropicClientOptions {
  /** `<server name>:<model>`. */
  id: string;
  model: string;
}

/** No Claude model takes fewer tokens than this. */
const SMALLEST_CONTEXT = 100_000;

/** Requests at once that the lowest tier of an account bears. */
const CONCURRENCY = 4;

/** How long the server has to end a stream whose end mark it has sent. */
const TAIL_MS = 1000;

/**
 * Claude over the Messages API. `seed` has no counterpart there, and equal requests may get other
 * texts even at temperature 0.
 */
export function createAnthropicProvider(options: AnthropicProviderOptions): Provider {
  const { id, model, deadlines, clock } = options;
  const client = createAnthropicClient(options);
  let described: Anthropic.ModelInfo | undefined;

  async function describe(signal?: AbortSignal): Promise<Anthropic.ModelInfo> {
    described ??= await client.ask((sdk, call) => sdk.models.retrieve(model, {}, call), signal);
    return described;
  }

  async function count(
    prompt: Pick<CompletionRequest, 'messages' | 'tools' | 'toolChoice'>,
    signal?: AbortSignal,
  ): Promise<number> {
    const body = promptOf(model, prompt);
    const counted = await client.ask((sdk, call) => sdk.messages.countTokens(body, call), signal);
    return counted.input_tokens;
  }

  /** A long prompt is counted, which costs nothing, before it is sent. */
  async function refuseTooLong(request: CompletionRequest, signal: AbortSignal): Promise<void> {
    if (promptTokensAtMost(request) < SMALLEST_CONTEXT) return;
    // Servers that speak only the Messages API count nothing; then theirs is the word.
    const [info, tokens] = await Promise.all([
      describe(signal).catch(() => undefined),
      count(request, signal).catch(() => undefined),
    ]);
    const contextTokens = info?.max_input_tokens ?? Infinity;
    if (tokens === undefined || tokens < contextTokens) return;
    throw new ProviderFailure(
      'context-too-long',
      `The prompt has ${tokens} tokens and leaves no room for an answer in the context of ${contextTokens}.`,
      { hint: 'Shorten the prompt, or choose a model with a longer context.' },
    );
  }

  async function openStream(
    request: CompletionRequest,
    goesOn: boolean,
    signal: AbortSignal,
  ): Promise<EventStream> {
    const sdk = await client.sdk();
    const { data, response } = await sdk.messages
      .create({ ...requestBody(model, request, goesOn), stream: true }, { signal })
      .withResponse();
    if (response.headers.get('content-type')?.startsWith('text/event-stream') === true) return data;
    // A proxy's page, or an error under status 200.
    const { failure, message } = classify({ status: response.status, body: await response.text() });
    throw new ProviderFailure(failure, message);
  }

  async function* ask(
    request: CompletionRequest,
    goesOn: boolean,
    signal: AbortSignal,
  ): AsyncGenerator<AnswerPart[]> {
    let begun = false;
    try {
      await refuseTooLong(request, signal);
      const stream = await openStream(request, goesOn, signal);
      const read = createEventReader();
      const events = stream[Symbol.asyncIterator]();
      let ended = false;
      try {
        while (!ended) {
          const next = await events.next();
          // The SDK ends an aborted stream as if it were whole.
          signal.throwIfAborted();
          if (next.done === true) return;
          begun = true;
          ended = next.value.type === 'message_stop';
          yield read(next.value);
        }
      } finally {
        if (ended) readTail(events, stream.controller);
        else stream.controller.abort();
      }
    } catch (error) {
      const failure = await failureOf(error, signal);
      if (!begun || failure.failure !== 'transport') throw failure;
      throw new ProviderFailure('truncated-stream', 'The connection broke within the answer.', {
        cause: error,
      });
    }
  }

  const answerOf = (
    request: CompletionRequest,
    { signal, session }: CallOptions,
  ): AnswerOptions => ({
    model,
    request,
    deadlines,
    clock,
    signal,
    ask: async (watched) => ask(request, session !== undefined, watched),
  });

  return {
    id,
    complete: (request, call = {}) => completeAnswer(answerOf(request, call)),
    stream: (request, call = {}) => streamAnswer(answerOf(request, call)),
    embed: () =>
      Promise.reject(new ProviderFailure('unsupported', 'Anthropic offers no embeddings.')),
    // Some tokens more than the text has: the API counts it as a message.
    countTokens: async (text) =>
      text === '' ? 0 : count({ messages: [{ role: 'user', content: text }] }),
    async health() {
      described = undefined;
      try {
        const { display_name: name, max_input_tokens: context } = await describe();
        return { state: 'ready', detail: `${name}, context ${context ?? 'unknown'}` };
      } catch (error) {
        if (!(error instanceof ProviderFailure)) throw error;
        const hint = error.hint ?? 'Try again a little later.';
        return { state: 'unavailable', detail: error.message, hint };
      }
    },
    async metadata() {
      const { display_name: name, max_input_tokens: context } = await describe();
      return {
        id,
        model,
        ...(typeof context === 'number' ? { contextTokens: context } : {}),
        versions: { model: name },
        concurrency: CONCURRENCY,
        replayed: false,
      };
    },
    shutdown: () => client.close(),
  };
}

interface EventStream extends AsyncIterable<{ type: string }> {
  controller: AbortController;
}

/** Read to its end, a stream leaves its connection to the next call. */
function readTail(events: AsyncIterator<unknown>, controller: AbortController): void {
  const late = AbortSignal.timeout(TAIL_MS);
  const giveUp = (): void => controller.abort();
  late.addEventListener('abort', giveUp, { once: true });
  void events
    .next()
    .catch(() => {})
    .finally(() => late.removeEventListener('abort', giveUp));
}
