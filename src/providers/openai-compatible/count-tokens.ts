import { z } from 'zod';
import type { CompletionRequest } from '../../core/request.ts';
import { parseJson, type HttpClient } from '../http/http-client.ts';
import { promptBody } from './chat-body.ts';
import type { Server } from './server.ts';

const tokensSchema = z.looseObject({ tokens: z.array(z.unknown()) });
const countSchema = z.looseObject({ count: z.int().min(0) });
const promptSchema = z.looseObject({ prompt: z.string() });

export interface Counting {
  client: HttpClient;
  server: Server;
  model: string;
  signal: AbortSignal;
}

/** Tokens of a text alone, without a template's; `undefined` where the server counts none. */
export async function countText(text: string, counting: Counting): Promise<number | undefined> {
  if (counting.server.kind === 'llama-server') {
    return (await ask(tokensSchema, '/tokenize', { content: text }, counting))?.tokens.length;
  }
  const { model } = counting;
  const body = { model, prompt: text, add_special_tokens: false };
  return (await ask(countSchema, '/tokenize', body, counting))?.count;
}

/** Tokens of a conversation and its tools under the model's chat template; `undefined` where the server counts none. */
export async function countPrompt(
  request: CompletionRequest,
  counting: Counting,
): Promise<number | undefined> {
  const prompt = promptBody(request, counting.server.kind);
  if (counting.server.kind === 'llama-server') {
    const applied = await ask(promptSchema, '/apply-template', prompt, counting);
    if (applied === undefined) return undefined;
    const body = { content: applied.prompt, add_special: true, parse_special: true };
    return (await ask(tokensSchema, '/tokenize', body, counting))?.tokens.length;
  }
  const body = { model: counting.model, ...prompt, add_generation_prompt: true };
  return (await ask(countSchema, '/tokenize', body, counting))?.count;
}

async function ask<T>(
  schema: z.ZodType<T>,
  path: string,
  body: unknown,
  { client, signal }: Counting,
): Promise<T | undefined> {
  const { status, text } = await client.send({ path, body, signal });
  const parsed = schema.safeParse(status < 300 ? parseJson(text) : undefined);
  return parsed.success ? parsed.data : undefined;
}
