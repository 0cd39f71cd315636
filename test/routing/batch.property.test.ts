import { appendFileSync, existsSync, readFileSync, truncateSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { ProviderFailure } from '../../src/providers/failure.ts';
import { journalOf } from '../../src/routing/batch/batch-file.ts';
import { TemporaryFolders } from '../cli/temporary-folders.ts';
import { echoRouter, inputOf, run } from './batch-router.ts';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

/** Few prompts, so that many lines are alike; one in some is refused. */
const lines = fc.array(
  fc.record({ word: fc.integer({ min: 0, max: 12 }), bad: fc.boolean(), named: fc.boolean() }),
  { minLength: 1, maxLength: 40 },
);
const requestsOf = (made: readonly { word: number; bad: boolean; named: boolean }[]): object[] =>
  made.map(({ word, bad, named }, index) => ({
    ...(named ? { id: `r${index}` } : {}),
    prompt: `${bad ? 'bad' : 'word'} ${word}`,
  }));

/** Answers out of order, as the numbers say. */
function waits(order: readonly number[]): (prompt: string) => Promise<void> {
  let next = 0;
  return async (prompt) => {
    const turns = order[next++ % order.length] ?? 0;
    for (let turn = 0; turn < turns; turn++) await setImmediate();
    if (prompt.startsWith('bad')) throw new ProviderFailure('bad-request', `no ${prompt}`);
  };
}

it('writes the same output whatever comes first, however often it is killed', async () => {
  const folder = await folders.make();
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(
      lines,
      fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 10 }),
      fc.array(fc.record({ after: fc.nat(30), cut: fc.nat(60), torn: fc.boolean() }), {
        maxLength: 4,
      }),
      async (made, order, kills) => {
        const input = inputOf(requestsOf(made));
        const whole = path.join(folder, `${runs}-whole.jsonl`);
        const killed = path.join(folder, `${runs++}-killed.jsonl`);
        await run(whole, { router: echoRouter({ before: waits([0]) }), input });
        for (const { after, cut, torn } of kills) {
          await killedRun(killed, input, order, after);
          if (existsSync(journalOf(killed))) tear(killed, cut, torn);
        }
        if (!existsSync(killed) || existsSync(journalOf(killed))) {
          await run(killed, { router: echoRouter({ before: waits(order) }), input });
        }
        expect(await readFile(killed, 'utf8')).toBe(await readFile(whole, 'utf8'));
        expect(existsSync(journalOf(killed))).toBe(false);
        const results = readFileSync(killed, 'utf8').trimEnd().split('\n');
        expect(results.map((line) => JSON.parse(line).line)).toEqual(
          input.lines.map(({ line }) => line),
        );
      },
    ),
    { numRuns: 60 },
  );
});

/** Ends without a chance to end well: no grace for what runs. */
async function killedRun(
  output: string,
  input: ReturnType<typeof inputOf>,
  order: readonly number[],
  after: number,
): Promise<void> {
  if (existsSync(output) && !existsSync(journalOf(output))) return;
  const kill = new AbortController();
  let answers = 0;
  const before = waits(order);
  const router = echoRouter({
    before: async (prompt) => {
      await before(prompt);
      if (answers++ === after) kill.abort(new Error('killed'));
      kill.signal.throwIfAborted();
    },
  });
  const ended = run(output, { router, input, signal: kill.signal, graceMs: 0 });
  await ended.catch((error: unknown) => {
    if (!kill.signal.aborted) throw error;
  });
}

/** What a killed process leaves: a file without its last bytes, or with the beginning of a line. */
function tear(output: string, cut: number, torn: boolean): void {
  const text = readFileSync(output, 'utf8');
  const last = text.lastIndexOf('\n', text.length - 2) + 1;
  if (torn) appendFileSync(output, '{"line":7,"ok":tr');
  // Only bytes of the last line: those before it were there long ago.
  else if (text !== '') truncateSync(output, Math.max(last, text.length - cut));
  appendFileSync(journalOf(output), '{"lines":[1');
}
