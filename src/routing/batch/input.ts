import { createHash } from 'node:crypto';
import { z } from 'zod';
import { AppError, type Problem } from '../../core/errors.ts';
import { COMPLEXITIES, PRIORITIES, TASK_CATEGORIES } from '../../core/task.ts';
import type { RouteRequest } from '../decision.ts';
import { openAiLineSchema } from './openai-line.ts';
import { messageSchema, sharedFields } from './request-schema.ts';

/** One request of a batch. */
export interface BatchLine {
  /** In the input file, from 1. */
  line: number;
  /** The caller's own; none is made up. */
  id?: string;
  request: RouteRequest;
}

export interface BatchInput {
  lines: readonly BatchLine[];
  /** Of the file's bytes: a batch is only gone on with for the same input. */
  sha256: string;
}

const lineSchema = z
  .strictObject({
    id: z.string().min(1).max(256).exactOptional(),
    prompt: z.string().min(1).exactOptional(),
    messages: z.array(messageSchema).min(1).exactOptional(),
    model: z.string().min(1).exactOptional(),
    maxTokens: z.int().min(1).exactOptional(),
    ...sharedFields,
  })
  .superRefine(({ prompt, messages }, context) => {
    if ((prompt === undefined) === (messages === undefined)) {
      context.addIssue({ code: 'custom', message: 'expected either `prompt` or `messages`' });
    }
  })
  .transform(({ id, prompt, messages, ...request }) => ({
    id,
    request: {
      ...request,
      messages: messages ?? [{ role: 'user' as const, content: prompt ?? '' }],
    },
  }));

/**
 * Reads a whole batch. Each line is a request of ours or of OpenAI's batch files; empty lines are
 * passed over.
 * @throws AppError `batch.invalid` with every problem and its line
 */
export function readBatch(bytes: Uint8Array): BatchInput {
  const lines: BatchLine[] = [];
  const problems: Problem[] = [];
  const seen = new Map<string, number>();
  let line = 0;
  for (const piece of splitLines(bytes)) {
    line += 1;
    const told = (message: string, field = ''): void => {
      problems.push({ path: field === '' ? `line ${line}` : `line ${line}, ${field}`, message });
    };
    const text = decode(piece);
    if (text === undefined) {
      told('is no UTF-8');
      continue;
    }
    if (text.trim() === '') continue;
    const json = parseJson(text);
    if (typeof json !== 'object' || json === null || Array.isArray(json)) {
      told('is no JSON object');
      continue;
    }
    const parsed = (
      'custom_id' in json || 'body' in json ? openAiLineSchema : lineSchema
    ).safeParse(json);
    if (!parsed.success) {
      for (const { path, message } of parsed.error.issues) told(message, path.join('.'));
      continue;
    }
    const { id, request } = parsed.data;
    const before = id === undefined ? undefined : seen.get(id);
    if (before !== undefined) told(`the id ${id} is line ${before}'s`);
    if (id !== undefined) seen.set(id, line);
    lines.push({ line, ...(id === undefined ? {} : { id }), request });
  }
  if (problems.length === 0 && lines.length === 0) {
    problems.push({ path: 'line 1', message: 'there is no request' });
  }
  if (problems.length > 0) {
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
    throw new AppError('batch.invalid', `The batch has ${count}; nothing was sent.`, {
      hint: `A line is an object as {"id": "a", "prompt": "…"} with "messages" instead of "prompt" where there are more. Categories: ${TASK_CATEGORIES.join(', ')}. Complexities: ${COMPLEXITIES.join(', ')}. Priorities: ${PRIORITIES.join(', ')}.`,
      problems,
    });
  }
  return { lines, sha256: createHash('sha256').update(bytes).digest('hex') };
}

const LINE_END = 10;
const BYTE_ORDER_MARK = /^\uFEFF/;

function* splitLines(bytes: Uint8Array): Generator<Uint8Array> {
  let start = 0;
  while (start < bytes.length) {
    const found = bytes.indexOf(LINE_END, start);
    const end = found === -1 ? bytes.length : found;
    yield bytes.subarray(start, end);
    start = end + 1;
  }
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).replace(BYTE_ORDER_MARK, '');
  } catch {
    return undefined;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
