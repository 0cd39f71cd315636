import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Completion, Message } from '../../src/core/request.ts';
import { createSessions, type PromptWindow, type Sessions } from '../../src/routing/sessions.ts';
import { LEASE_MS } from '../../src/routing/sessions/store.ts';
import { openDatabase, type Database } from '../../src/storage/database.ts';
import { holdClock, type HeldClock } from './held-clock.ts';

const HOUR_MS = 3_600_000;
const UNKNOWN: PromptWindow = {
  contextTokens: undefined,
  maxTokens: 100,
  countTokens: async () => undefined,
};
const CHEF: Message = { role: 'system', content: 'You are a chef.' };

let folder: string;
let databases: Database[];
let clock: HeldClock;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'aqe-sessions-'));
  databases = [];
  clock = holdClock();
});
afterEach(() => {
  for (const database of databases) database.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Sessions with a database handle of their own, as another process would have. */
function newSessions(holder = 'one'): Sessions {
  const database = openDatabase(folder);
  databases.push(database);
  return createSessions({ database, clock, sessionHours: 24, holder });
}

const user = (content: string): Message => ({ role: 'user', content });
const assistant = (content: string): Message => ({ role: 'assistant', content });

function answer(text: string, more: Partial<Completion> = {}): Completion {
  return {
    model: 'm',
    text,
    finishReason: 'stop',
    usage: {},
    timing: { measured: false },
    ...more,
  };
}

/** One whole turn; gives what was sent. */
async function say(
  sessions: Sessions,
  messages: readonly Message[],
  text: string,
  window = UNKNOWN,
): Promise<readonly Message[]> {
  const turn = await sessions.open('s');
  try {
    const prompt = await turn.prompt(messages, window);
    turn.commit(messages, answer(text));
    return prompt.messages;
  } finally {
    turn.release();
  }
}

async function historyOf(sessions: Sessions, id = 's'): Promise<readonly Message[]> {
  const turn = await sessions.open(id);
  turn.release();
  return turn.history;
}

describe('a session', () => {
  it('sends what earlier turns sent, byte for byte, and then what is new', async () => {
    const sessions = newSessions();
    const odd = 'tab\t, nul \0, "quotes", \u2028, \ud83c alone, 🍲 and trailing space \n';
    const first = await say(sessions, [CHEF, user(odd)], odd);
    const second = await say(newSessions('two'), [user('And then?')], 'Eat.');
    expect(first).toEqual([CHEF, user(odd)]);
    expect(second).toEqual([...first, assistant(odd), user('And then?')]);
    expect(await historyOf(sessions)).toEqual([...second, assistant('Eat.')]);
  });

  it('keeps calls of tools with their results', async () => {
    const sessions = newSessions();
    const toolCalls = [{ id: 'c1', name: 'weather', arguments: '{"city": "Bern"}' }];
    const turn = await sessions.open('s');
    turn.commit([user('Rain?')], answer('', { toolCalls, finishReason: 'tool-calls' }));
    turn.release();
    const result: Message = { role: 'tool', content: 'dry', toolCallId: 'c1' };
    expect(await say(sessions, [result], 'No.')).toEqual([
      user('Rain?'),
      { role: 'assistant', content: '', toolCalls },
      result,
    ]);
  });

  it('does not add twice what a client repeats', async () => {
    const sessions = newSessions();
    await say(sessions, [CHEF, user('a')], 'b');
    const sent = await say(sessions, [CHEF, user('a'), assistant('b'), user('c')], 'd');
    expect(sent).toEqual([CHEF, user('a'), assistant('b'), user('c')]);
    expect(await say(sessions, [user('a')], 'e')).toEqual([...sent, assistant('d'), user('a')]);
  });

  it('knows the calls of a client that writes their arguments anew', async () => {
    const sessions = newSessions();
    const call = { id: 'c1', name: 'weather', arguments: '{"city": "Bern"}' };
    const turn = await sessions.open('s');
    turn.commit([user('Rain?')], answer('', { toolCalls: [call] }));
    turn.release();
    const calls = (written: string): Message => {
      return { role: 'assistant', content: '', toolCalls: [{ ...call, arguments: written }] };
    };
    const result: Message = { role: 'tool', content: 'dry', toolCallId: 'c1' };
    const asked = [user('Rain?'), calls('{"city":"Bern"}'), result];
    // What the model wrote is what the server has at hand.
    expect(await say(sessions, asked, 'No.')).toEqual([
      user('Rain?'),
      calls(call.arguments),
      result,
    ]);
  });

  it.each([
    ['the end of the conversation', 'cde', 'abcdef'],
    ['a question again that was answered', 'abc', 'abcf'],
    ['an answer that was edited', 'aBc', 'aBcf'],
    ['another conversation with answers', 'xyz', 'abcdxyzf'],
    ['the last question alone', 'c', 'abcdcf'],
  ])('goes on from %s', async (_, sent, expected) => {
    const sessions = newSessions();
    /** Letters as messages: the user's at even places, answers at odd ones. */
    const said = (letters: string): Message[] =>
      letters.split('').map((letter, index) => (index % 2 === 0 ? user : assistant)(letter));
    await say(sessions, [CHEF, user('a')], 'b');
    await say(sessions, [user('c')], 'd');
    await say(sessions, said(sent), 'f');
    const history = await historyOf(sessions);
    expect(history[0]).toEqual(CHEF);
    const letters = history.slice(1).map(({ content }) => content);
    expect(letters.join('')).toBe(expected);
  });

  it('stays as it was when there was no answer', async () => {
    const sessions = newSessions();
    await say(sessions, [user('a')], 'b');
    await say(sessions, [user('c')], '');
    expect(await historyOf(sessions)).toEqual([user('a'), assistant('b')]);
  });

  it('takes another system message in place of its own', async () => {
    const sessions = newSessions();
    await say(sessions, [CHEF, user('a')], 'b');
    const baker: Message = { role: 'system', content: 'You are a baker.' };
    const sent = [baker, user('a'), assistant('b'), user('c')];
    expect(await say(sessions, [baker, user('c')], 'd')).toEqual(sent);
    expect(await say(sessions, [user('e')], 'f')).toEqual([...sent, assistant('d'), user('e')]);
  });

  it('begins where it began while that fits, for each window by itself, and says what it dropped', async () => {
    const sessions = newSessions();
    const linesOf = async (text: string): Promise<number> => 52 * text.split('\n').length;
    const small = { ...UNKNOWN, contextTokens: 400, countTokens: linesOf };
    const dropped: number[] = [];
    for (let number = 0; number < 12; number += 1) {
      const turn = await newSessions().open('s');
      const question = [CHEF, user(`${number}${'x'.repeat(200)}`)];
      const prompt = await turn.prompt(question, small);
      expect(prompt.messages[0]).toEqual(CHEF);
      expect(prompt.messages).toHaveLength(1 + 2 * number + 1 - prompt.dropped);
      dropped.push(prompt.dropped);
      turn.commit(question, answer('y'.repeat(200)));
      turn.release();
    }
    // 60 tokens a message, and room for 300: five messages, and three after a cut.
    expect(dropped).toEqual([0, 0, 4, 4, 8, 8, 12, 12, 16, 16, 20, 20]);
    const turn = await sessions.open('s');
    expect((await turn.prompt([user('?')], { ...small, contextTokens: 4_000 })).dropped).toBe(0);
    turn.release();
  });

  it('is as it was after a turn that was not committed', async () => {
    const sessions = newSessions();
    const unborn = await sessions.open('s');
    await unborn.prompt([user('lost')], UNKNOWN);
    unborn.release();
    unborn.release();
    expect(databases[0]?.prepare('SELECT count(*) FROM sessions').pluck().get()).toBe(0);
    await say(sessions, [user('a')], 'b');
    const failed = await sessions.open('s');
    await failed.prompt([user('lost')], UNKNOWN);
    failed.release();
    expect(await historyOf(sessions)).toEqual([user('a'), assistant('b')]);
  });

  it('is forgotten when it has been idle too long', async () => {
    const sessions = newSessions();
    await say(sessions, [user('a')], 'b');
    clock.skip(23 * HOUR_MS);
    await say(sessions, [user('c')], 'd');
    clock.skip(23 * HOUR_MS);
    expect(await historyOf(sessions)).toHaveLength(4);
    clock.skip(HOUR_MS);
    expect(await historyOf(sessions)).toEqual([]);
  });

  it('is private once a turn of it was', async () => {
    const sessions = newSessions();
    const isPrivate = async (turnIsPrivate: boolean): Promise<boolean> => {
      const turn = await sessions.open('s');
      turn.commit([user('a')], answer('b'), turnIsPrivate);
      turn.release();
      return turn.private;
    };
    const seen: boolean[] = [];
    for (const turnIsPrivate of [false, true, false, false])
      seen.push(await isPrivate(turnIsPrivate));
    expect(seen).toEqual([false, false, true, true]);
  });
});

describe('writers of one session', () => {
  it('take turns in one process, in order, and those who give up are passed over', async () => {
    const sessions = newSessions();
    const first = await sessions.open('s');
    const order: string[] = [];
    const enter = async (name: string, signal?: AbortSignal): Promise<void> => {
      const turn = await sessions.open('s', signal);
      order.push(name);
      turn.commit([user(name)], answer('.'));
      turn.release();
    };
    const gone = new AbortController();
    const waiting = [enter('b'), enter('gone', gone.signal).catch(() => {}), enter('c')];
    gone.abort();
    await clock.advance(0);
    expect(order).toEqual([]);
    first.commit([user('a')], answer('.'));
    first.release();
    await Promise.all(waiting);
    expect(order).toEqual(['b', 'c']);
    expect((await historyOf(sessions)).filter(({ role }) => role === 'user')).toEqual(
      ['a', 'b', 'c'].map(user),
    );
  });

  it('wait for another process, as long as its lease is renewed, and not for ever', async () => {
    const held = await newSessions('one').open('s');
    const waiting = newSessions('two').open('s');
    const outcome = waiting.then(
      () => 'entered',
      (error: unknown) => error,
    );
    await clock.advance(59_000);
    await clock.advance(2_000);
    expect(await outcome).toMatchObject({ code: 'route.session-busy', exitCode: 5 });
    const next = newSessions('three').open('s');
    held.commit([user('a')], answer('b'));
    held.release();
    await clock.advance(100);
    const turn = await next;
    expect(turn.history).toHaveLength(2);
    turn.release();
  });

  it('keep the session when a renewal fails and the next one does not', async () => {
    const held = await newSessions('one').open('s');
    databases[0]?.pragma('query_only = ON');
    await clock.advance(LEASE_MS / 3);
    databases[0]?.pragma('query_only = OFF');
    await clock.advance(LEASE_MS / 3);
    clock.skip((2 * LEASE_MS) / 3);
    const abort = new AbortController();
    const waiting = newSessions('two').open('s', abort.signal);
    await clock.advance(0);
    abort.abort(new Error('still held'));
    await expect(waiting).rejects.toThrow('still held');
    held.commit([user('a')], answer('b'));
    held.release();
    expect(await historyOf(newSessions())).toHaveLength(2);
  });

  it('get the session of a process that died, which cannot write any more', async () => {
    await say(newSessions(), [user('a')], 'b');
    const dead = await newSessions('one').open('s');
    clock.skip(LEASE_MS);
    const heir = await newSessions('two').open('s');
    const conflict = expect.objectContaining({ code: 'route.session-conflict', exitCode: 5 });
    expect(() => dead.commit([user('lost')], answer('x'))).toThrow(conflict);
    heir.commit([user('c')], answer('d'));
    heir.release();
    expect(() => dead.commit([user('lost')], answer('x'))).toThrow(conflict);
    dead.release();
    expect(await historyOf(newSessions())).toHaveLength(4);
  });

  it('do not wait for a lease that was written before the clock was set back', async () => {
    const held = await newSessions('one').open('s');
    clock.skip(-HOUR_MS);
    const turn = await newSessions('two').open('s');
    turn.release();
    held.release();
  });

  it('of other sessions do not wait', async () => {
    const sessions = newSessions();
    const one = await sessions.open('s');
    const other = await sessions.open('t');
    one.release();
    other.release();
  });

  it('leave with the reason of their signal', async () => {
    const held = await newSessions('one').open('s');
    const abort = new AbortController();
    const waiting = newSessions('two').open('s', abort.signal);
    abort.abort(new Error('no patience'));
    await expect(waiting).rejects.toThrow('no patience');
    held.release();
    await expect(newSessions().open('s', abort.signal)).rejects.toThrow('no patience');
  });
});

describe('a database that fails', () => {
  it('is told in words', async () => {
    const database = openDatabase(folder);
    const sessions = createSessions({ database, clock, sessionHours: 24, holder: 'one' });
    const turn = await sessions.open('s');
    database.pragma('query_only = ON');
    expect(() => turn.commit([user('a')], answer('b'))).toThrow(
      expect.objectContaining({ code: 'storage.read-only' }),
    );
    turn.release();
    await expect(sessions.open('s')).rejects.toMatchObject({ code: 'storage.read-only' });
    database.pragma('query_only = OFF');
    const again = await sessions.open('s');
    expect(again.history).toEqual([]);
    again.release();
    database.close();
  });
});
