import { afterAll, describe, expect, it } from 'vitest';
import type { Completion, Message } from '../../../src/core/request.ts';
import { createEmbeddedProvider } from '../../../src/providers/embedded/embedded-provider.ts';
import { machineClock } from './processes.ts';
import { testModelPath } from './test-model.ts';

const SYSTEM: Message = {
  role: 'system',
  content: `You answer briefly. ${'Remember every rule of the house. '.repeat(30)}`,
};

describe('sessions of the embedded engine', { timeout: 120_000 }, () => {
  const provider = createEmbeddedProvider({
    modelId: 'smollm2-135m-instruct',
    modelPath: testModelPath(),
    threads: 1,
    contextTokens: 1_024,
    gpu: 'off',
    environment: process.env,
    clock: machineClock,
  });
  afterAll(() => provider.shutdown());

  const histories = new Map<string, Message[]>();
  async function say(session: string, content: string, signal?: AbortSignal): Promise<Completion> {
    const messages = [...(histories.get(session) ?? [SYSTEM]), { role: 'user' as const, content }];
    const request = { messages, maxTokens: 12, temperature: 0, seed: 1, repeat: 0 };
    const answer = await provider.complete(request, {
      session,
      ...(signal === undefined ? {} : { signal }),
    });
    histories.set(session, [...messages, { role: 'assistant', content: answer.text }]);
    return answer;
  }
  /** Tokens of the prompt that had to be evaluated. */
  const evaluated = ({ usage }: Completion): number =>
    (usage.inputTokens ?? NaN) - (usage.cachedInputTokens ?? NaN);

  it('evaluate only what is new, also when they take turns', async () => {
    const first = await say('a', 'Name a colour.');
    expect(first.usage.cachedInputTokens).toBe(0);
    expect((await say('b', 'Name an animal.')).usage.cachedInputTokens).toBe(0);
    for (const session of ['a', 'b', 'a', 'b']) {
      const next = await say(session, 'And another one?');
      expect(evaluated(next)).toBeLessThan(60);
      expect(next.usage.inputTokens).toBeGreaterThan(200);
    }
  });

  it('are not touched by requests outside of them, which begin from nothing', async () => {
    const messages: Message[] = [SYSTEM, { role: 'user', content: 'Name a colour.' }];
    const request = { messages, maxTokens: 12, temperature: 0, seed: 1, repeat: 0 };
    const texts = [];
    for (let times = 0; times < 2; times += 1) {
      const answer = await provider.complete(request);
      expect(answer.usage.cachedInputTokens).toBe(0);
      texts.push(answer.text);
    }
    expect(texts[0]).toBe(texts[1]);
    expect(evaluated(await say('a', 'And another one?'))).toBeLessThan(60);
  });

  it('go on after a call that was cancelled, and after a prompt that begins in another way', async () => {
    const abort = new AbortController();
    const history = histories.get('a') ?? expect.fail();
    const request = {
      messages: [...history, { role: 'user' as const, content: 'Tell a long story.' }],
      maxTokens: 400,
      temperature: 0,
      seed: 1,
      repeat: 0,
    };
    for await (const event of provider.stream(request, { session: 'a', signal: abort.signal })) {
      if (event.type === 'text') abort.abort();
    }
    expect(evaluated(await say('a', 'And another one?'))).toBeLessThan(60);
    histories.set('a', [{ role: 'system', content: 'You are a parrot.' }]);
    const other = await say('a', 'What are you?');
    expect(other.usage.cachedInputTokens).toBeLessThan(10);
    const messages = histories.get('a')?.slice(0, 2) ?? [];
    const fresh = await provider.complete({ ...request, messages, maxTokens: 3 });
    expect(other.text.startsWith(fresh.text)).toBe(true);
  });

  it('that were not used for longest begin anew when there are more than four', async () => {
    const before = await say('b', 'And another one?');
    await say('a', 'And you?');
    for (const session of ['c', 'd', 'e']) await say(session, 'Name a colour.');
    expect(evaluated(await say('a', 'And you?'))).toBeLessThan(60);
    // What is left at hand is the system message, which the others have too.
    const next = await say('b', 'And another one?');
    expect(next.usage.cachedInputTokens).toBeLessThan(before.usage.inputTokens ?? NaN);
  });
});
