import { failureClassOf, ProviderFailure } from '../../providers/failure.ts';
import type { Provider } from '../../providers/provider.ts';
import { unitVector } from '../vector.ts';
import type { Embedder } from './embedder.ts';

/** Texts of one call: enough for a server to batch, few enough to be cancelled soon. */
const BATCH = 32;
/** Characters of a text that are embedded: so many of its beginning, and of its end. */
const HEAD = 3000;
const TAIL = 1000;
/** What is shorter is not cut further when a model finds it too long. */
const LEAST = 64;

/** The embeddings of a provider: the embedded engine, Ollama, any OpenAI-compatible server. */
export function createProviderEmbedder(provider: Provider): Embedder {
  let known: number | undefined;

  async function ask(
    texts: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<number[][]> {
    const vectors = await provider.embed(texts, signal === undefined ? {} : { signal });
    if (signal?.aborted === true) {
      throw new ProviderFailure('cancelled', 'The embedding was cancelled.');
    }
    if (vectors.length !== texts.length) {
      throw new ProviderFailure(
        'malformed',
        `${provider.id} gave ${vectors.length} vectors for ${texts.length} texts.`,
      );
    }
    return vectors;
  }

  /** A text that is too long for the model is embedded in halves, weighted by their lengths. */
  async function whole(text: string, signal: AbortSignal | undefined): Promise<number[]> {
    try {
      const [vector = []] = await ask([text], signal);
      return vector;
    } catch (error) {
      if (failureClassOf(error) !== 'context-too-long' || text.length < LEAST) throw error;
      const middle = middleOf(text);
      const first = await whole(text.slice(0, middle), signal);
      const second = await whole(text.slice(middle), signal);
      const share = middle / text.length;
      return first.map((value, index) => value * share + (second[index] ?? 0) * (1 - share));
    }
  }

  async function batch(
    texts: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<number[][]> {
    try {
      return await ask(texts, signal);
    } catch (error) {
      if (failureClassOf(error) !== 'context-too-long') throw error;
      const vectors: number[][] = [];
      for (const text of texts) vectors.push(await whole(text, signal));
      return vectors;
    }
  }

  const embedder: Embedder = {
    id: provider.id,
    async dimension() {
      known ??= (await ask(['dimension'], undefined))[0]?.length ?? 0;
      return known;
    },
    async embed(texts, signal) {
      const vectors: Float32Array[] = [];
      for (let from = 0; from < texts.length; from += BATCH) {
        const some = texts.slice(from, from + BATCH).map(essence);
        for (const values of await batch(some, signal)) {
          known ??= values.length;
          vectors.push(unitVector(values, known));
        }
      }
      return vectors;
    },
    close: () => provider.shutdown(),
  };
  return embedder;
}

function essence(text: string): string {
  if (text.length <= HEAD + TAIL) return text;
  return `${text.slice(0, HEAD)}\n${text.slice(-TAIL)}`;
}

/** Where to cut: at the blank nearest to the middle, if one is near. */
function middleOf(text: string): number {
  const half = Math.floor(text.length / 2);
  const blank = text.indexOf(' ', half);
  return blank === -1 || blank > text.length * 0.6 ? half : blank;
}
