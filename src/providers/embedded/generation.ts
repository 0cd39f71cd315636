import type * as NodeLlamaCpp from 'node-llama-cpp';
import type {
  ChatHistoryItem,
  ChatWrapper,
  LlamaContextSequence,
  LlamaModel,
} from 'node-llama-cpp';
import { ProviderFailure } from '../failure.ts';
import type { GenerateJob, ResultOf } from './protocol.ts';
import { samplerSeed } from './sampler-seed.ts';

/** Prompt tokens evaluated between two looks at the abort signal; fewer would cost speed. */
const PROMPT_CHUNK_TOKENS = 128;

export interface GenerateListener {
  prompt(inputTokens: number, cachedTokens: number): void;
  token(text: string, outputTokens: number): void;
}

export interface Generation {
  library: typeof NodeLlamaCpp;
  sequence: LlamaContextSequence;
  /** Whether what the sequence holds of an earlier prompt is used for this one. */
  reuse: boolean;
  chatWrapper: ChatWrapper;
  job: GenerateJob;
  signal: AbortSignal;
  listener: GenerateListener;
}

/**
 * Answers one request on a sequence of its own.
 * Throws failure class `context-too-long` before it generates anything.
 */
export async function generate(generation: Generation): Promise<ResultOf<'generate'>> {
  const { library, sequence, reuse, chatWrapper, job, signal, listener } = generation;
  const chatHistory = chatHistoryOf(job.messages);
  const prompt = chatWrapper
    .generateContextState({ chatHistory })
    .contextText.tokenize(sequence.model.tokenizer);
  // The library keeps one place of the context free; past that it would drop old messages.
  const room = sequence.contextSize - 1 - prompt.length;
  if (room < 1) throw promptTooLong(prompt.length, sequence.contextSize);
  // A prefix left by an earlier request was evaluated in other batches than a fresh one would be,
  // and the rounding then differs: outside of sessions the same request must give the same text.
  // The last token is evaluated in any case, for the first one of the answer comes out of it.
  if (reuse) await sequence.adaptStateToTokens(prompt.slice(0, -1), false);
  else await sequence.clearHistory();
  listener.prompt(prompt.length, sequence.nextTokenIndex);
  const maxTokens = Math.min(job.maxTokens, room);
  if (maxTokens < 1) return { kind: 'generate', finishReason: 'length', outputTokens: 0 };

  // The last chunk is left to the generation: alone, its last token would cost a step of its own.
  for (
    let end = sequence.nextTokenIndex + PROMPT_CHUNK_TOKENS;
    end < prompt.length;
    end += PROMPT_CHUNK_TOKENS
  ) {
    if (signal.aborted) return { kind: 'generate', finishReason: 'cancelled', outputTokens: 0 };
    await sequence.evaluateWithoutGeneratingNewTokens(prompt.slice(end - PROMPT_CHUNK_TOKENS, end));
  }

  const before = sequence.tokenMeter.getState();
  const outputTokens = (): number => sequence.tokenMeter.diff(before).usedOutputTokens;
  const chat = new library.LlamaChat({ contextSequence: sequence, chatWrapper });
  try {
    const response = await chat.generateResponse(chatHistory, {
      maxTokens,
      temperature: job.temperature,
      seed: samplerSeed(job.seed),
      // The library's default penalty changes what the request asked for, and hurts code.
      repeatPenalty: false,
      signal,
      stopOnAbortSignal: true,
      onResponseChunk(chunk) {
        // Thoughts are tokens that were paid for, but no part of the answer.
        if (chunk.tokens.length > 0) {
          listener.token(chunk.type === undefined ? chunk.text : '', outputTokens());
        }
      },
    });
    return {
      kind: 'generate',
      finishReason: finishReasonOf(response.metadata.stopReason),
      outputTokens: outputTokens(),
    };
  } catch (error) {
    // Aborted before the first token: the library throws the signal's reason.
    if (!signal.aborted) throw error;
    return { kind: 'generate', finishReason: 'cancelled', outputTokens: outputTokens() };
  } finally {
    chat.dispose({ disposeSequence: false });
  }
}

function chatHistoryOf(messages: GenerateJob['messages']): ChatHistoryItem[] {
  const history = messages.map(({ role, content }): ChatHistoryItem => {
    if (role === 'assistant') return { type: 'model', response: [content] };
    return { type: role, text: content };
  });
  // The turn to be written; a last assistant message is continued instead.
  return history.at(-1)?.type === 'model' ? history : [...history, { type: 'model', response: [] }];
}

/** The file's own template, to the letter: the library's look-alikes add or drop tokens. */
export function chatWrapperOf(library: typeof NodeLlamaCpp, model: LlamaModel): ChatWrapper {
  const hasTemplate = model.fileInfo.metadata.tokenizer?.chat_template !== undefined;
  return library.resolveChatWrapper(model, {
    type: hasTemplate ? 'jinjaTemplate' : 'auto',
    warningLogs: false,
  });
}

function finishReasonOf(stopReason: string): ResultOf<'generate'>['finishReason'] {
  if (stopReason === 'maxTokens') return 'length';
  return stopReason === 'abort' ? 'cancelled' : 'stop';
}

function promptTooLong(inputTokens: number, contextTokens: number): Error {
  return new ProviderFailure(
    'context-too-long',
    `The prompt has ${inputTokens} tokens and leaves no room for an answer in the context of ${contextTokens}.`,
    { hint: 'Shorten the prompt, or give the model a longer context.' },
  );
}
