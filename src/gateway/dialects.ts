import type { IncomingMessage } from 'node:http';
import { ANTHROPIC } from './anthropic/dialect.ts';
import type { Dialect } from './dialect.ts';
import { OLLAMA } from './ollama/dialect.ts';
import { OPENAI } from './openai/dialect.ts';

/** How the sender of a request is answered, told from where it asks and what only its clients send. */
export function dialectFor({ url = '', headers }: IncomingMessage): Dialect {
  if (url.startsWith('/api/')) return OLLAMA;
  const isAnthropic = url.startsWith('/v1/messages') || headers['anthropic-version'] !== undefined;
  return isAnthropic ? ANTHROPIC : OPENAI;
}
