import { describe, expect, it } from 'vitest';
import { createOpenAiCompatibleProvider } from '../../../src/providers/openai-compatible/openai-compatible-provider.ts';
import { createSlots } from '../../../src/providers/openai-compatible/slots.ts';
import type { Provider } from '../../../src/providers/provider.ts';
import {
  deadlines,
  json,
  lines,
  opened,
  requestOf,
  startLoopback,
  systemClock,
} from '../http/loopback.ts';

describe('slots', () => {
  /** One call after the other; gives the slots they had. */
  function slotsOf(sessions: string, count: number, slots = createSlots()): unknown[] {
    return sessions.split('').map((session) => {
      const held = slots.take(session, count);
      held?.release();
      return held?.slot;
    });
  }

  it('stay with their sessions, and go to others the least recently used first', () => {
    expect(slotsOf('ababa', 2)).toEqual([0, 1, 0, 1, 0]);
    expect(slotsOf('abacab', 2)).toEqual([0, 1, 0, 1, 0, 1]);
    expect(slotsOf('abcabc', 4)).toEqual([0, 1, 2, 0, 1, 2]);
  });

  it('are not taken from a session that is being answered', () => {
    const slots = createSlots();
    const a = slots.take('a', 2);
    expect(slotsOf('bcb', 2, slots)).toEqual([1, 1, 1]);
    const again = slots.take('a', 2);
    a?.release();
    slots.take('b', 2);
    expect(slotsOf('c', 2, slots)).toEqual([undefined]);
    again?.release();
    expect(slotsOf('c', 2, slots)).toEqual([0]);
  });

  it('that a server has no more are forgotten, and new ones are used', () => {
    const slots = createSlots();
    expect(slotsOf('abcd', 4, slots)).toEqual([0, 1, 2, 3]);
    const running = slots.take('d', 4);
    expect(slotsOf('d', 2, slots)).toEqual([0]);
    running?.release();
    expect(slotsOf('bd', 2, slots)).toEqual([1, 0]);
    expect(slotsOf('bdx', 3, slots)).toEqual([1, 0, 2]);
    expect(slotsOf('x', 0, slots)).toEqual([undefined]);
  });
});

describe('a session on a llama-server', () => {
  const CHAT = '/v1/chat/completions';
  const answer = lines('text/event-stream', [
    'data: {"choices":[{"delta":{"content":"yes"},"finish_reason":"stop"}]}\n\n',
    'data: [DONE]\n\n',
  ]);

  function open(url: string): Provider {
    return opened(
      createOpenAiCompatibleProvider({ id: 's:m', model: 'm', url, deadlines, clock: systemClock }),
    );
  }

  it('keeps its slot; other calls leave the choice to the server', async () => {
    const server = await startLoopback({
      '/v1/models': json({ data: [{ id: 'm', owned_by: 'llamacpp' }] }),
      '/props': json({ total_slots: 2 }),
      [CHAT]: answer,
    });
    const provider = open(server.url);
    for (const session of ['a', 'b', 'a']) await provider.complete(requestOf('hi'), { session });
    await provider.complete(requestOf('hi'));
    const slots = server.bodiesOf(CHAT).map((body) => Object(body).id_slot);
    expect(slots).toEqual([0, 1, 0, undefined]);
  });

  it('goes to a slot that is there after the server was started again with fewer', async () => {
    let count = 3;
    const server = await startLoopback({
      '/v1/models': json({ data: [{ id: 'm', owned_by: 'llamacpp' }] }),
      '/props': (response, body, request) => json({ total_slots: count })(response, body, request),
      [CHAT]: answer,
    });
    const provider = open(server.url);
    for (const session of ['a', 'b', 'c']) await provider.complete(requestOf('hi'), { session });
    count = 1;
    await provider.complete(requestOf('hi'), { session: 'c' });
    expect(server.bodiesOf(CHAT).map((body) => Object(body).id_slot)).toEqual([0, 1, 2, 0]);
  });

  it('gives its slot back when the call fails or is left early', async () => {
    let fails = true;
    const server = await startLoopback({
      '/v1/models': json({ data: [{ id: 'm', owned_by: 'llamacpp' }] }),
      '/props': json({ total_slots: 1 }),
      [CHAT]: (response, body, request) =>
        fails
          ? json({ error: { message: 'no' } }, 500)(response, body, request)
          : answer(response, body, request),
    });
    const provider = open(server.url);
    await expect(provider.complete(requestOf('hi'), { session: 'a' })).rejects.toThrow();
    fails = false;
    for await (const event of provider.stream(requestOf('hi'), { session: 'b' })) {
      if (event.type === 'text') break;
    }
    await provider.complete(requestOf('hi'), { session: 'c' });
    expect(server.bodiesOf(CHAT).map((body) => Object(body).id_slot)).toEqual([0, 0, 0]);
  });

  it.each([
    ['of another kind', 'vllm'],
    ['that does not tell how many it has', 'llamacpp'],
  ])('has none on a server %s', async (_, owner) => {
    const server = await startLoopback({
      '/v1/models': json({ data: [{ id: 'm', owned_by: owner }] }),
      [CHAT]: answer,
    });
    await open(server.url).complete(requestOf('hi'), { session: 'a' });
    expect(server.bodiesOf(CHAT)[0]).not.toHaveProperty('id_slot');
  });
});
