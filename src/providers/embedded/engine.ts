import type {
  ChatHistoryItem,
  ChatWrapper,
  LlamaContextSequence,
  LlamaModel,
} from 'node-llama-cpp';
import type * as NodeLlamaCpp from 'node-llama-cpp';
import type { Message } from '../../core/request.ts';
import { messageOf } from '../../core/errors.ts';
import { providerFailure } from '../failure.ts';
import { checkModelFile, MODEL_HINT } from './model-file.ts';
import type { EngineFacts, EngineOptions, GenerateJob, ResultOf } from './protocol.ts';
import { samplerSeed } from './sampler-seed.ts';

type Library = typeof NodeLlamaCpp;
type Gpu = 'auto' | false;

/** A context this long costs a 1.5B model about 230 MB; models trained for 128k would ask for gigabytes. */
const DEFAULT_CONTEXT_TOKENS = 8_192;
/** Prompt tokens evaluated between two looks at the abort signal. */
const PROMPT_CHUNK_TOKENS = 256;

export interface GenerateListener {
  prompt(inputTokens: number): void;
  token(text: string, outputTokens: number): void;
}

/** A loaded model. One generation or embedding at a time. */
export interface Engine {
  describe(): EngineFacts;
  countTokens(text: string): number;
  /** Throws failure class `context-too-long` before it generates anything. */
  generate(
    job: GenerateJob,
    signal: AbortSignal,
    listener: GenerateListener,
  ): Promise<ResultOf<'generate'>>;
  /** Vectors as the model gives them, not normalised. */
  embed(texts: readonly string[], signal: AbortSignal): Promise<number[][]>;
  dispose(): Promise<void>;
}

/** Loads a model, on the GPU if there is one and it works. Throws `model-missing` or `model-unreadable`. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  await checkModelFile(options.modelPath);
  const library = await import('node-llama-cpp').catch((error: unknown) => {
    throw unusable(error);
  });
  return openOn(library, options.gpu === 'auto' ? 'auto' : false, options);
}

async function openOn(library: Library, gpu: Gpu, options: EngineOptions): Promise<Engine> {
  const llama = await library
    .getLlama({
      gpu,
      build: 'never',
      logLevel: library.LlamaLogLevel.disabled,
      maxThreads: options.threads,
      progressLogs: false,
    })
    .catch((error: unknown) => {
      if (gpu === false) throw unusable(error);
      return undefined;
    });
  if (llama === undefined) return openOn(library, false, options);
  try {
    const model = await llama.loadModel({ modelPath: options.modelPath });
    return await engineOf(library, model, options);
  } catch (error) {
    const usedGpu = llama.gpu !== false;
    await llama.dispose();
    if (usedGpu) return openOn(library, false, options);
    throw unreadable(library, options.modelPath, error);
  }
}

async function engineOf(
  library: Library,
  model: LlamaModel,
  options: EngineOptions,
): Promise<Engine> {
  const threads = { ideal: options.threads, min: options.threads };
  const contextSize = Math.min(
    model.trainContextSize,
    options.contextTokens ?? DEFAULT_CONTEXT_TOKENS,
  );
  // Only a model with a pooling layer was made to give one vector per text.
  const embeds = (model.fileInfo.architectureMetadata.pooling_type ?? 0) > 0;
  const context = embeds
    ? undefined
    : await model.createContext({ contextSize, sequences: 1, threads });
  const sequence = context?.getSequence();
  const chatWrapper = context === undefined ? undefined : chatWrapperOf(library, model);
  const embedding = embeds
    ? await model.createEmbeddingContext({
        contextSize,
        // An encoder sees its whole text in one batch.
        batchSize: contextSize,
        threads: options.threads,
      })
    : undefined;
  const contextTokens = context?.contextSize ?? contextSize;
  const version = await library.getModuleVersion();

  return {
    describe: () => ({
      contextTokens,
      versions: {
        engine: `node-llama-cpp ${version}`,
        llamaCppRelease: model.llama.llamaCppRelease.release,
        quantisation: quantisationOf(library, model),
        gpu: model.llama.gpu === false ? 'none' : model.llama.gpu,
        threads: String(options.threads),
        contextTokens: String(contextTokens),
      },
    }),
    countTokens: (text) => model.tokenize(text).length,
    async generate(job, signal, listener) {
      if (sequence === undefined || chatWrapper === undefined) {
        throw providerFailure('unsupported', 'An embedding model does not write text.', {
          hint: 'Choose a model with a chat template.',
        });
      }
      return generate({ library, sequence, chatWrapper, job, signal, listener });
    },
    async embed(texts, signal) {
      if (embedding === undefined) {
        throw providerFailure('unsupported', 'A generative model gives no embeddings.', {
          hint: 'Choose an embedding model (a GGUF with a pooling type).',
        });
      }
      const vectors: number[][] = [];
      for (const text of texts) {
        // Nobody waits for the vectors of an aborted call.
        if (signal.aborted) break;
        const length = embedding.calculateInputLength(text);
        if (length >= contextTokens) throw contextTooLong(length, contextTokens);
        vectors.push([...(await embedding.getEmbeddingFor(text)).vector]);
      }
      return vectors;
    },
    dispose: () => model.llama.dispose(),
  };
}

interface Generation {
  library: Library;
  sequence: LlamaContextSequence;
  chatWrapper: ChatWrapper;
  job: GenerateJob;
  signal: AbortSignal;
  listener: GenerateListener;
}

async function generate(generation: Generation): Promise<ResultOf<'generate'>> {
  const { library, sequence, chatWrapper, job, signal, listener } = generation;
  const chatHistory = chatHistoryOf(job.messages);
  const prompt = chatWrapper
    .generateContextState({ chatHistory })
    .contextText.tokenize(sequence.model.tokenizer);
  // The library keeps one place of the context free; past that it would drop old messages.
  const room = sequence.contextSize - 1 - prompt.length;
  if (room < 1) throw contextTooLong(prompt.length, sequence.contextSize);
  listener.prompt(prompt.length);
  const maxTokens = Math.min(job.maxTokens, room);
  if (maxTokens < 1) return { kind: 'generate', finishReason: 'length', outputTokens: 0 };

  // A prefix left by an earlier request would be evaluated in other batches than a fresh one,
  // and the rounding then differs: the same request must give the same text.
  await sequence.clearHistory();
  for (let start = 0; start < prompt.length - 1; start += PROMPT_CHUNK_TOKENS) {
    if (signal.aborted) return { kind: 'generate', finishReason: 'cancelled', outputTokens: 0 };
    const end = Math.min(start + PROMPT_CHUNK_TOKENS, prompt.length - 1);
    await sequence.evaluateWithoutGeneratingNewTokens(prompt.slice(start, end));
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

function chatHistoryOf(messages: readonly Message[]): ChatHistoryItem[] {
  const history = messages.map(({ role, content }): ChatHistoryItem => {
    if (role === 'assistant') return { type: 'model', response: [content] };
    return { type: role, text: content };
  });
  // The turn to be written; a last assistant message is continued instead.
  return history.at(-1)?.type === 'model' ? history : [...history, { type: 'model', response: [] }];
}

/** The file's own template, to the letter: the library's look-alikes add or drop tokens. */
function chatWrapperOf(library: Library, model: LlamaModel): ChatWrapper {
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

function quantisationOf(library: Library, model: LlamaModel): string {
  const fileType = model.fileInfo.metadata.general.file_type;
  if (fileType === undefined) return 'unknown';
  return library.GgufFileType[fileType].replace(/^(?:MOSTLY|ALL)_/, '');
}

function contextTooLong(inputTokens: number, contextTokens: number): Error {
  return providerFailure(
    'context-too-long',
    `The prompt has ${inputTokens} tokens and leaves no room for an answer in the context of ${contextTokens}.`,
    { hint: 'Shorten the prompt, or give the model a longer context.' },
  );
}

function unusable(cause: unknown): Error {
  return providerFailure('unsupported', 'The llama.cpp engine does not run on this machine.', {
    hint: 'Run `npm rebuild node-llama-cpp`, then `aqe-llm setup doctor`.',
    cause,
  });
}

function unreadable(library: Library, path: string, cause: unknown): Error {
  if (cause instanceof library.InsufficientMemoryError) {
    return providerFailure('model-unreadable', `Too little memory for the model ${path}`, {
      hint: 'Choose a smaller model or a smaller context.',
      cause,
    });
  }
  return providerFailure(
    'model-unreadable',
    `The model file is damaged, cut off, or of a kind the engine does not know: ${path} (${messageOf(cause)})`,
    { hint: MODEL_HINT, cause },
  );
}
