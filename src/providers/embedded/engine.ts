import type * as NodeLlamaCpp from 'node-llama-cpp';
import type { LlamaContext, LlamaEmbeddingContext, LlamaModel } from 'node-llama-cpp';
import { ProviderFailure } from '../failure.ts';
import { chatWrapperOf, generate } from './generation.ts';
import type { GenerateListener } from './generation.ts';
import { checkModelFile, MODEL_HINT } from './model-file.ts';
import type { EngineFacts, EngineOptions, GenerateJob, ResultOf } from './protocol.ts';
import { createSessionPlaces } from './session-places.ts';

type Library = typeof NodeLlamaCpp;
type Gpu = 'auto' | false;

/** A context this long costs a 1.5B model about 230 MB; models trained for 128k would ask for gigabytes. */
const DEFAULT_CONTEXT_TOKENS = 8_192;
/** Sessions whose evaluated prompts are kept; each costs the memory of another context. */
const SESSIONS_KEPT = 4;

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
  /** Vectors as the model gives them, not normalised; zeros for an empty text. */
  embed(
    texts: readonly string[],
    signal: AbortSignal,
  ): Promise<{ vectors: number[][]; tokens: number }>;
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
  const newContext = (): Promise<LlamaContext> =>
    model.createContext({ contextSize, sequences: 1, threads });
  const context = embeds ? undefined : await newContext();
  const sequence = context?.getSequence();
  const sessions = createSessionPlaces({
    most: SESSIONS_KEPT,
    async open() {
      const { cpuRam } = await model.fileInsights.estimateContextResourceRequirementsV2({
        contextSize,
        modelGpuLayers: model.gpuLayers,
      });
      // The library looks after a GPU's memory, not after the machine's.
      if (cpuRam > process.availableMemory() / 2) throw new Error('too little memory');
      return (await newContext()).getSequence();
    },
  });
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
        throw new ProviderFailure('unsupported', 'An embedding model does not write text.', {
          hint: 'Choose a model with a chat template.',
        });
      }
      const own = job.session === null ? undefined : await sessions.of(job.session);
      return generate({
        library,
        sequence: own ?? sequence,
        reuse: own !== undefined,
        chatWrapper,
        job,
        signal,
        listener,
      });
    },
    async embed(texts, signal) {
      if (embedding === undefined) {
        throw new ProviderFailure('unsupported', 'A generative model gives no embeddings.', {
          hint: 'Choose an embedding model (a GGUF with a pooling type).',
        });
      }
      const vectors: number[][] = [];
      let tokens = 0;
      for (const text of texts) {
        // Nobody waits for the vectors of an aborted call.
        if (signal.aborted) break;
        const embedded = await vectorOf(embedding, text, contextTokens);
        vectors.push(embedded.vector);
        tokens += embedded.tokens;
      }
      return { vectors, tokens };
    },
    dispose: () => model.llama.dispose(),
  };
}

async function vectorOf(
  embedding: LlamaEmbeddingContext,
  text: string,
  contextTokens: number,
): Promise<{ vector: number[]; tokens: number }> {
  const length = embedding.calculateInputLength(text);
  if (length >= contextTokens) {
    throw new ProviderFailure(
      'context-too-long',
      `A text to embed has ${length} tokens; the context holds ${contextTokens}, one of them kept free.`,
      { hint: 'Shorten the text, or give the model a longer context.' },
    );
  }
  const { vector } = await embedding.getEmbeddingFor(text);
  // A text without a token means nothing, and the library gives nothing for it.
  const { embeddingVectorSize } = embedding.model;
  return {
    vector: vector.length === 0 ? Array<number>(embeddingVectorSize).fill(0) : [...vector],
    tokens: length,
  };
}

function quantisationOf(library: Library, model: LlamaModel): string {
  const fileType = model.fileInfo.metadata.general.file_type;
  if (fileType === undefined) return 'unknown';
  return library.GgufFileType[fileType].replace(/^(?:MOSTLY|ALL)_/, '');
}

function unusable(cause: unknown): Error {
  return new ProviderFailure('unsupported', 'The llama.cpp engine does not run on this machine.', {
    hint: 'Run `npm rebuild node-llama-cpp`, then `aqe-llm setup doctor`.',
    cause,
  });
}

function unreadable(library: Library, path: string, cause: unknown): Error {
  if (cause instanceof library.InsufficientMemoryError) {
    return new ProviderFailure('model-unreadable', `Too little memory for the model ${path}`, {
      hint: 'Choose a smaller model or a smaller context.',
      cause,
    });
  }
  return new ProviderFailure(
    'model-unreadable',
    `The model file is damaged, cut off, or of a kind the engine does not know: ${path}`,
    { hint: MODEL_HINT, cause },
  );
}
