import { z } from 'zod';
import { jsonObject, parseBody, refused } from './parse.ts';

/** Texts to embed, out of their dialect. */
export interface EmbedCall {
  /** Absent where the router chooses. */
  model?: string;
  texts: string[];
  /** The answer's body. */
  write: (vectors: number[][], target: string, tookMs: number) => object;
}

const MAX_TEXTS = 2048;
const texts = z.union([z.string(), z.array(z.string()).min(1).max(MAX_TEXTS)]);

const openaiSchema = z.looseObject({
  model: z.string().min(1).default('auto'),
  input: texts,
  encoding_format: z.enum(['float', 'base64']).nullish(),
  dimensions: refused(),
});

/** `/v1/embeddings`. @throws AppError `gateway.invalid-request` */
export function readEmbeddings(body: unknown): EmbedCall {
  const { model, input, encoding_format: format } = parseBody(openaiSchema, body);
  return {
    ...chosen(model),
    texts: [input].flat(),
    write: (vectors, target) => ({
      object: 'list',
      data: vectors.map((vector, index) => ({
        object: 'embedding',
        index,
        embedding: format === 'base64' ? base64Of(vector) : vector,
      })),
      model: target,
      // No provider tells how many they were.
      usage: { prompt_tokens: 0, total_tokens: 0 },
    }),
  };
}

const ollama = { model: z.string().min(1), options: jsonObject.nullish(), dimensions: refused() };
const embedSchema = z.looseObject({ ...ollama, input: texts });
const oldSchema = z.looseObject({ ...ollama, prompt: z.string() });

/** `/api/embed`. @throws AppError `gateway.invalid-request` */
export function readEmbed(body: unknown): EmbedCall {
  const { model, input } = parseBody(embedSchema, body);
  return {
    ...chosen(model),
    texts: [input].flat(),
    write: (vectors, target, tookMs) => ({
      model: target,
      embeddings: vectors,
      total_duration: Math.round(tookMs * 1e6),
      load_duration: 0,
    }),
  };
}

/** `/api/embeddings`, which takes one text. @throws AppError `gateway.invalid-request` */
export function readOldEmbeddings(body: unknown): EmbedCall {
  const { model, prompt } = parseBody(oldSchema, body);
  return {
    ...chosen(model),
    texts: [prompt],
    write: ([vector = []]) => ({ embedding: vector }),
  };
}

function chosen(model: string): { model?: string } {
  return model === 'auto' || model === 'auto:latest' ? {} : { model };
}

/** 32-bit floats, the lowest byte first: what the official client asks for unless told otherwise. */
function base64Of(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes.toString('base64');
}
