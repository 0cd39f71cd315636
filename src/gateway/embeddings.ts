import { z } from 'zod';
import type { IncomingHttpHeaders } from 'node:http';
import type { Usage } from '../core/request.ts';
import { readOptions } from './options.ts';
import { jsonObject, parseBody, refused } from './parse.ts';

/** Texts to embed, out of their dialect. */
export interface EmbedCall {
  /** Absent where the router chooses. */
  model?: string;
  agent?: string;
  session?: string;
  texts: string[];
  /** The answer's body. */
  write: (answer: EmbedAnswer) => object;
}

interface EmbedAnswer {
  vectors: number[][];
  target: string;
  /** Absent where nobody tells. */
  usage?: Usage;
  tookMs: number;
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
export function readEmbeddings(body: unknown, headers: IncomingHttpHeaders): EmbedCall {
  const { model, input, encoding_format: format } = parseBody(openaiSchema, body);
  return {
    ...chosen(model),
    ...askerOf(headers),
    texts: [input].flat(),
    write: ({ vectors, target, usage: { inputTokens: tokens = 0 } = {} }) => ({
      object: 'list',
      data: vectors.map((vector, index) => ({
        object: 'embedding',
        index,
        embedding: format === 'base64' ? base64Of(vector) : vector,
      })),
      model: target,
      usage: { prompt_tokens: tokens, total_tokens: tokens },
    }),
  };
}

const ollama = { model: z.string().min(1), options: jsonObject.nullish(), dimensions: refused() };
const embedSchema = z.looseObject({ ...ollama, input: texts });
const oldSchema = z.looseObject({ ...ollama, prompt: z.string() });

/** `/api/embed`. @throws AppError `gateway.invalid-request` */
export function readEmbed(body: unknown, headers: IncomingHttpHeaders): EmbedCall {
  const { model, input } = parseBody(embedSchema, body);
  return {
    ...chosen(model),
    ...askerOf(headers),
    texts: [input].flat(),
    write: ({ vectors, target, usage, tookMs }) => ({
      model: target,
      embeddings: vectors,
      total_duration: Math.round(tookMs * 1e6),
      load_duration: 0,
      ...(usage?.inputTokens === undefined ? {} : { prompt_eval_count: usage.inputTokens }),
    }),
  };
}

/** `/api/embeddings`, which takes one text. @throws AppError `gateway.invalid-request` */
export function readOldEmbeddings(body: unknown, headers: IncomingHttpHeaders): EmbedCall {
  const { model, prompt } = parseBody(oldSchema, body);
  return {
    ...chosen(model),
    ...askerOf(headers),
    texts: [prompt],
    write: ({ vectors: [vector = []] }) => ({ embedding: vector }),
  };
}

/** Who asks, for the ledger. */
function askerOf(headers: IncomingHttpHeaders): { agent?: string; session?: string } {
  const { agent, session } = readOptions(headers, undefined);
  return {
    ...(agent === undefined ? {} : { agent }),
    ...(session === undefined ? {} : { session }),
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
