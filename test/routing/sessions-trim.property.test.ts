import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Message } from '../../src/core/request.ts';
import { trimPrompt, type PromptWindow } from '../../src/routing/sessions/trim.ts';

/** A tokenizer of one token a word, as is a call of the tool `read`; marks of a message count as eight more, as in trim.ts. */
const wordsOf = (text: string): number => text.split(/\s+/).filter((word) => word !== '').length;
const tokensOf = (messages: readonly Message[]): number =>
  messages.reduce((total, message) => {
    const calls = message.role === 'assistant' ? (message.toolCalls ?? []) : [];
    return total + wordsOf(message.content) + calls.length + 8;
  }, 0);

const text = fc
  .array(fc.stringMatching(/^[a-z]{1,9}$/), { minLength: 1, maxLength: 40 })
  .map((words) => words.join(' '));
const plainTurn = fc.tuple(text, text).map(([question, answer]): Message[] => [
  { role: 'user', content: question },
  { role: 'assistant', content: answer },
]);
const toolTurn = fc
  .tuple(text, fc.array(text, { minLength: 1, maxLength: 3 }), text)
  .map(([question, results, answer]): Message[] => {
    const ids = results.map((_, index) => `call-${index}`);
    const toolCalls = ids.map((id) => ({ id, name: 'read', arguments: '' }));
    return [
      { role: 'user', content: question },
      { role: 'assistant', content: '', toolCalls },
      ...results.map((content, index): Message => {
        return { role: 'tool', content, toolCallId: ids[index] ?? '' };
      }),
      { role: 'assistant', content: answer },
    ];
  });
const conversation = fc.record({
  system: fc.array(
    text.map((content): Message => ({ role: 'system', content })),
    { maxLength: 2 },
  ),
  turns: fc.array(fc.oneof(plainTurn, toolTurn), { maxLength: 25 }),
  question: text.map((content): Message => ({ role: 'user', content })),
  contextTokens: fc.integer({ min: 16, max: 2_000 }),
  maxTokens: fc.integer({ min: 0, max: 3_000 }),
});

function windowOf(contextTokens: number, maxTokens: number): PromptWindow {
  return { contextTokens, maxTokens, countTokens: async (words) => wordsOf(words) };
}

describe('the trimming of a prompt', () => {
  it('keeps system messages, order, whole turns and the newest one, and fits where that can be', async () => {
    await fc.assert(
      fc.asyncProperty(conversation, async (drawn) => {
        const { system, turns, question, contextTokens, maxTokens } = drawn;
        const messages = [...turns.flat(), question];
        const window = windowOf(contextTokens, maxTokens);
        const trimmed = await trimPrompt({ system, messages, first: 0, window });

        const kept = trimmed.messages.slice(system.length);
        expect(trimmed.messages.slice(0, system.length)).toEqual(system);
        expect(kept).toEqual(messages.slice(trimmed.first));
        expect(kept[0]?.role).toBe('user');
        const answered = new Set(
          kept.flatMap((message) =>
            message.role === 'assistant' ? (message.toolCalls ?? []).map(({ id }) => id) : [],
          ),
        );
        expect(
          kept.filter((message) => message.role === 'tool' && !answered.has(message.toolCallId)),
        ).toEqual([]);

        const room = contextTokens - Math.min(maxTokens, Math.floor(contextTokens / 4));
        const tokens = tokensOf(trimmed.messages);
        if (kept.length > 1) expect(tokens).toBeLessThanOrEqual(room);
        // Nothing goes without need, and not more than the step asks for.
        if (tokensOf([...system, ...messages]) <= room) expect(trimmed.first).toBe(0);
        if (trimmed.first > 0) {
          const last = turns.findLast(
            (_, index) => turns.slice(0, index + 1).flat().length <= trimmed.first,
          );
          expect(tokens + tokensOf(last ?? [])).toBeGreaterThan(room * 0.7);
        }
      }),
    );
  });

  it('begins again where it began, as long as that fits', async () => {
    await fc.assert(
      fc.asyncProperty(conversation, async (drawn) => {
        const { system, turns, question, contextTokens, maxTokens } = drawn;
        const messages = [...turns.flat(), question];
        const window = windowOf(contextTokens, maxTokens);
        const once = await trimPrompt({ system, messages, first: 0, window });
        const again = await trimPrompt({ system, messages, first: once.first, window });
        expect(again).toEqual(once);
      }),
    );
  });

  it('cuts seldom: a long conversation keeps its beginning for many turns', async () => {
    const messages: Message[] = [];
    const window = windowOf(1_000, 100);
    let first = 0;
    let cuts = 0;
    for (let turn = 0; turn < 200; turn += 1) {
      messages.push({ role: 'user', content: 'word '.repeat(12) });
      const trimmed = await trimPrompt({ system: [], messages, first, window });
      if (trimmed.first !== first) cuts += 1;
      first = trimmed.first;
      messages.push({ role: 'assistant', content: 'word '.repeat(2) });
    }
    // 30 tokens a turn, and every cut makes room for 270.
    expect(cuts).toBeLessThanOrEqual(200 / 8);
    expect(cuts).toBeGreaterThan(10);
  });

  it('asks for no counts while the bytes alone show that the prompt fits', async () => {
    let counted = 0;
    const countTokens = async (): Promise<undefined> => {
      counted += 1;
      return undefined;
    };
    const window = { contextTokens: 100, maxTokens: 10, countTokens };
    const short: Message[] = [{ role: 'user', content: 'x'.repeat(60) }];
    await trimPrompt({ system: [], messages: short, first: 0, window });
    expect(counted).toBe(0);
    const long: Message[] = [{ role: 'user', content: 'x'.repeat(90) }];
    await trimPrompt({ system: [], messages: long, first: 0, window });
    expect(counted).toBe(1);
  });

  it('estimates where nobody counts', async () => {
    const turn: Message[] = [
      { role: 'user', content: 'x'.repeat(300) },
      { role: 'assistant', content: 'x'.repeat(300) },
    ];
    const messages = [...turn, ...turn, ...turn];
    const window = { contextTokens: 600, maxTokens: 0, countTokens: async () => undefined };
    // Some 108 tokens a message: 648 are too many, and 432 are above 70 %.
    expect(await trimPrompt({ system: [], messages, first: 0, window })).toMatchObject({
      first: 4,
    });
  });

  it('makes room for tools', async () => {
    const turn: Message[] = [
      { role: 'user', content: 'word '.repeat(100) },
      { role: 'assistant', content: 'word '.repeat(100) },
    ];
    const messages = [...turn, ...turn, { role: 'user' as const, content: 'word' }];
    const tool = { name: 'read', description: 'word '.repeat(60), parameters: {} };
    const window = windowOf(600, 150);
    expect((await trimPrompt({ system: [], messages, first: 0, window })).first).toBe(0);
    const withTool = { ...window, tools: [tool] };
    expect((await trimPrompt({ system: [], messages, first: 0, window: withTool })).first).toBe(2);
  });

  it('asks for few counts where every count is a request', async () => {
    const messages = Array.from({ length: 2_000 }, (_, index): Message => ({
      role: index % 2 === 0 ? 'user' : 'assistant',
      content: 'word '.repeat(20),
    }));
    let counted = 0;
    const countTokens = async (words: string): Promise<number> => {
      counted += 1;
      return wordsOf(words);
    };
    const window = { contextTokens: 20_000, maxTokens: 100, countTokens };
    await trimPrompt({ system: [], messages, first: 0, window });
    expect(counted).toBeLessThanOrEqual(1 + Math.ceil(Math.log2(1_000)));
  });

  it('drops nothing where the window is unknown', async () => {
    const messages: Message[] = [{ role: 'user', content: 'word '.repeat(100_000) }];
    const window = { contextTokens: undefined, maxTokens: 1, countTokens: async () => 1e9 };
    expect(await trimPrompt({ system: [], messages, first: 0, window })).toEqual({
      messages,
      first: 0,
    });
  });
});
