import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Completion, Message } from '../../src/core/request.ts';
import { createSessions } from '../../src/routing/sessions.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { holdClock } from './held-clock.ts';

const TTL_HOURS = 1;
const TTL_MS = TTL_HOURS * 3_600_000;
const ANSWER: Omit<Completion, 'text'> = {
  model: 'm',
  finishReason: 'stop',
  usage: {},
  timing: { measured: false },
};

/** What a session is, told as simply as can be. */
interface Model {
  messages: Message[];
  usedAt: number;
}

const id = fc.constantFrom('s', 't');
const writer = fc.constantFrom(0, 1);
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('turn' as const),
      id,
      writer,
      question: fc.string({ unit: 'binary' }),
      answer: fc.string({ unit: 'binary' }),
      system: fc.option(fc.string(), { nil: undefined, freq: 4 }),
      committed: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.integer({ min: 1, max: TTL_MS }),
    }),
  },
);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'aqe-sessions-model-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

it('is what its committed turns made of it, whoever wrote them, until it expires', async () => {
  const databases = [openDatabase(folder), openDatabase(folder)];
  const clock = holdClock();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      databases[0]?.exec('DELETE FROM sessions');
      const writers = databases.map((database, index) =>
        createSessions({ database, clock, sessionHours: TTL_HOURS, holder: String(index) }),
      );
      const models = new Map<string, Model>();
      const expired = ({ usedAt }: Model): boolean => usedAt <= clock.now() - TTL_MS;
      for (const action of steps) {
        if (action.kind === 'wait') {
          clock.skip(action.ms);
          continue;
        }
        const sessions = writers[action.writer] ?? expect.fail();
        const known = models.get(action.id);
        const before = known === undefined || expired(known) ? [] : known.messages;
        // An expired session goes when it is looked at, whatever becomes of the turn.
        if (before.length === 0) models.delete(action.id);
        const sent: Message[] = [
          ...(action.system === undefined
            ? []
            : [{ role: 'system' as const, content: action.system }]),
          { role: 'user', content: action.question },
        ];
        const turn = await sessions.open(action.id);
        expect(turn.history).toEqual(before);
        const window = { contextTokens: undefined, maxTokens: 1, countTokens: async () => 1 };
        const system = sent.length === 1 ? before.filter(({ role }) => role === 'system') : [];
        const said = before.filter(({ role }) => role !== 'system');
        const prompt = [...system, ...sent.slice(0, -1), ...said, ...sent.slice(-1)];
        expect(await turn.prompt(sent, window)).toEqual({ messages: prompt, dropped: 0 });
        if (action.committed) {
          turn.commit(sent, { ...ANSWER, text: action.answer });
          const messages: Message[] = [...prompt, { role: 'assistant', content: action.answer }];
          // Nothing is added without an answer.
          if (action.answer !== '') models.set(action.id, { messages, usedAt: clock.now() });
        }
        turn.release();
      }
    }),
    { numRuns: 60 },
  );
  for (const database of databases) database.close();
});
