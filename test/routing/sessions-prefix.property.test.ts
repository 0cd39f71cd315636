import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type Anthropic from '@anthropic-ai/sdk';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { CompletionRequest, Message, ToolCall } from '../../src/core/request.ts';
import { promptOf } from '../../src/providers/anthropic/request-body.ts';
import { chatBody as ollamaBody } from '../../src/providers/ollama/chat-body.ts';
import { promptBody } from '../../src/providers/openai-compatible/chat-body.ts';
import { createSessions } from '../../src/routing/sessions.ts';
import { openDatabase, type Database } from '../../src/storage/database.ts';
import { holdClock } from './held-clock.ts';

const TOOLS = [{ name: 'read', parameters: { type: 'object', properties: {} } }];
const WINDOW = { contextTokens: undefined, maxTokens: 1, countTokens: async () => undefined };

let folder: string;
let database: Database;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'aqe-sessions-prefix-'));
  database = openDatabase(folder);
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

const text = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1 }),
  // Long enough to be worth a place in Anthropic's cache.
  fc.string({ minLength: 1, maxLength: 9 }).map((piece) => piece.repeat(5_000)),
);
interface Turn {
  question: string;
  /** Results of the tools that were called before the answer, round by round. */
  calls: string[][];
  answer: string;
  /** Whether the client sends the whole conversation. */
  whole: boolean;
}
const turn: fc.Arbitrary<Turn> = fc.record({
  question: text,
  calls: fc.array(fc.array(text, { minLength: 1, maxLength: 2 }), { maxLength: 2 }),
  answer: text,
  whole: fc.boolean(),
});

/** Requests of a conversation, each with what its session sends. */
async function promptsOf(turns: readonly Turn[]): Promise<(readonly Message[])[]> {
  database.exec('DELETE FROM sessions');
  const options = { database, clock: holdClock(), sessionHours: 1 };
  const system: Message = { role: 'system', content: 'rule '.repeat(1_000) };
  const said: Message[] = [system];
  const prompts: (readonly Message[])[] = [];

  async function ask(
    news: readonly Message[],
    whole: boolean,
    answer: string,
    calls: readonly ToolCall[],
  ): Promise<void> {
    said.push(...news);
    // Every turn in another process.
    const sessions = createSessions({ ...options, holder: String(prompts.length) });
    const opened = await sessions.open('s');
    const sent = whole || prompts.length === 0 ? said : news;
    prompts.push((await opened.prompt(sent, WINDOW)).messages);
    const toolCalls = calls.length === 0 ? {} : { toolCalls: calls };
    opened.commit(sent, {
      model: 'm',
      text: answer,
      ...toolCalls,
      finishReason: 'stop',
      usage: {},
      timing: { measured: false },
    });
    opened.release();
    said.push({ role: 'assistant', content: answer, ...toolCalls });
  }

  for (const { question, calls, answer, whole } of turns) {
    let news: Message[] = [{ role: 'user', content: question }];
    for (const results of calls) {
      const made = results.map((_, index) => {
        return { id: `call-${prompts.length}-${index}`, name: 'read', arguments: '{"a": 1}' };
      });
      await ask(news, whole, '', made);
      news = results.map((content, index) => {
        return { role: 'tool', content, toolCallId: made[index]?.id ?? '' };
      });
    }
    await ask(news, whole, answer, []);
  }
  return prompts;
}

function requestOf(messages: readonly Message[]): CompletionRequest {
  return { messages, tools: TOOLS, maxTokens: 1, temperature: 0, seed: 1, repeat: 0 };
}

/** A list in JSON without its end, so that a longer list that begins alike begins with it. */
function opening(list: unknown): string {
  return JSON.stringify(list).slice(0, -1);
}

/** What Anthropic makes the key of its cache of: all that stands in the prompt, marks left out. */
function cachedContent({ content, role }: Anthropic.MessageParam): unknown {
  if (typeof content === 'string') return { role, content: [{ type: 'text', text: content }] };
  return {
    role,
    content: content.map((block) => ({ ...block, cache_control: undefined })),
  };
}

it('makes prompts that begin with the last one, byte for byte', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(turn, { minLength: 2, maxLength: 5 }), async (turns) => {
      const prompts = await promptsOf(turns);
      for (const [index, messages] of prompts.entries()) {
        const before = prompts[index - 1];
        if (before === undefined) continue;
        const [ours, last] = [messages, before].map((prompt) => {
          return ollamaBody(requestOf(prompt), { capabilities: ['tools'] });
        });
        expect(opening(ours?.['messages']).startsWith(opening(last?.['messages']))).toBe(true);
        for (const kind of ['llama-server', 'vllm', 'unknown'] as const) {
          const { messages: sent, ...rest } = promptBody(requestOf(messages), kind);
          const { messages: sentBefore, ...restBefore } = promptBody(requestOf(before), kind);
          expect(opening(sent).startsWith(opening(sentBefore))).toBe(true);
          expect(JSON.stringify(rest)).toBe(JSON.stringify(restBefore));
        }
      }
    }),
    { numRuns: 40 },
  );
});

it('makes prompts for Claude that begin alike, and marks what the next one finds in the cache', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(turn, { minLength: 2, maxLength: 5 }), async (turns) => {
      const prompts = await promptsOf(turns);
      for (const [index, messages] of prompts.entries()) {
        const prompt = promptOf('claude', requestOf(messages), true);
        const marks = JSON.stringify(prompt).split('"cache_control"').length - 1;
        const said = messages.filter(({ role }) => role === 'user' || role === 'tool');
        const hasWords = said.some(({ content }) => content !== '');
        // The system prompt is long: it has a mark of its own, and the end of the prompt another one.
        expect(marks).toBe(hasWords ? 2 : 1);
        const before = prompts[index - 1];
        if (before === undefined) continue;
        const last = promptOf('claude', requestOf(before), true);
        expect(prompt.system).toEqual(last.system);
        expect(prompt.tools).toEqual(last.tools);
        const sent = prompt.messages.map(cachedContent);
        expect(opening(sent).startsWith(opening(last.messages.map(cachedContent)))).toBe(true);
      }
    }),
    { numRuns: 40 },
  );
});
