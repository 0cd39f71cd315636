import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/core/clock.ts';
import { createEngineClient } from '../../../src/providers/embedded/engine-client.ts';
import { failureClassOf } from '../../../src/providers/failure.ts';
import { enginesOf, machineClock } from './processes.ts';

// Real processes with little programs in the engine's place, which do what a model does not on demand.
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aqe-llm-engine-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function clientOf(name: string, program: string, clock: Clock = machineClock) {
  const entry = join(folder, `engine-${name}.mjs`);
  await writeFile(entry, program);
  return createEngineClient({
    entry: pathToFileURL(entry),
    argument: '{}',
    environment: {},
    clock,
  });
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'no failure',
    (error: unknown) => error,
  );
}

const ANSWER = `const answer = ({ id, job }) => process.send(
  { type: 'done', id, result: { kind: 'count', tokens: job.text.length } });`;

describe('the engine client', () => {
  it('answers several jobs in one process', async () => {
    const client = await clientOf(
      'echo',
      `${ANSWER} process.on('message', (m) => m.type === 'stop' ? process.exit() : answer(m));`,
    );
    const answers = await Promise.all(
      ['a', 'bb', 'ccc'].map((text) => client.run({ kind: 'count', text })),
    );
    expect(answers.map((answer) => answer.tokens)).toEqual([1, 2, 3]);
    expect(enginesOf(process.pid)).toHaveLength(1);
    await client.shutdown();
    expect(enginesOf(process.pid)).toEqual([]);
  });

  it('gives up after three crashes within a minute, and tries again later', async () => {
    let elapsed = 0;
    const clock: Clock = { ...machineClock, monotonic: () => elapsed };
    const client = await clientOf(
      'crash',
      `process.on('message', () => { process.stderr.write('out of luck'); process.abort(); });`,
      clock,
    );
    for (let crash = 0; crash < 3; crash += 1) {
      const error = await failureOf(client.run({ kind: 'count', text: '' }));
      expect(failureClassOf(error)).toBe('engine-crashed');
      expect(error).toHaveProperty('message', 'The engine process ended by SIGABRT.');
      expect(error).toHaveProperty('cause.message', expect.stringContaining('out of luck'));
      elapsed += 1_000;
    }
    const refused = await failureOf(client.run({ kind: 'count', text: '' }));
    expect(failureClassOf(refused)).toBe('engine-crashed');
    expect(refused).toHaveProperty('message', expect.stringContaining('3 times within a minute'));
    // The queue is not left occupied by a call that was refused.
    const job = { kind: 'embed' as const, texts: [] };
    expect(String(await failureOf(client.run(job)))).toContain('3 times');
    expect(String(await failureOf(client.run(job)))).toContain('3 times');
    elapsed += 60_000;
    expect(String(await failureOf(client.run(job)))).toContain('SIGABRT');
    await client.shutdown();
  });

  it('fails every job in flight when the process dies', async () => {
    const client = await clientOf(
      'late',
      `let seen = 0; process.on('message', () => { seen += 1; if (seen === 3) process.exit(9); });`,
    );
    const errors = await Promise.all(
      ['a', 'b', 'c'].map((text) => failureOf(client.run({ kind: 'count', text }))),
    );
    expect(errors.map(failureClassOf)).toEqual(Array(3).fill('engine-crashed'));
    expect(String(errors[0])).toContain('exit code 9');
    await client.shutdown();
  });

  it('treats a process that talks nonsense as a crash', async () => {
    const client = await clientOf(
      'nonsense',
      `process.on('message', () => process.send({ type: 'poem' }));`,
    );
    const error = await failureOf(client.run({ kind: 'count', text: '' }));
    expect(failureClassOf(error)).toBe('engine-crashed');
    await client.shutdown();
  });

  it('cannot be started where there is no program', async () => {
    const client = createEngineClient({
      entry: pathToFileURL(join(folder, 'nowhere.mjs')),
      argument: '',
      environment: {},
      clock: machineClock,
    });
    const error = await failureOf(client.run({ kind: 'describe' }));
    expect(failureClassOf(error)).toBe('engine-crashed');
    await client.shutdown();
  });

  it('kills a process that does not end when told to', async () => {
    // Grace is over at once, so that the test does not sit through it.
    const impatient: Clock = { ...machineClock, sleep: async () => {} };
    const client = await clientOf(
      'deaf',
      `process.on('message', () => {}); setInterval(() => {}, 1000);`,
      impatient,
    );
    const running = failureOf(client.run({ kind: 'count', text: '' }));
    await Promise.all([client.shutdown(), client.shutdown()]);
    expect(failureClassOf(await running)).toBe('cancelled');
    expect(failureClassOf(await failureOf(client.run({ kind: 'describe' })))).toBe('cancelled');
    expect(enginesOf(process.pid)).toEqual([]);
  });

  it('keeps the queue waiting until a cancelled job has really ended', async () => {
    const client = await clientOf(
      'slow',
      `let current; const busy = [];
       process.on('message', (m) => {
         if (m.type === 'stop') process.exit();
         if (m.type === 'cancel') return setTimeout(() => finish(m.id, 1), 50);
         if (current !== undefined) return process.exit(3);
         current = m.id;
         if (m.job.texts[0] !== 'wait') finish(m.id, 2);
       });
       function finish(id, n) { current = undefined; process.send({ type: 'done', id, result: { kind: 'embed', vectors: [[n]], tokens: n } }); }`,
    );
    const abort = new AbortController();
    const first = failureOf(
      client.run({ kind: 'embed', texts: ['wait'] }, { signal: abort.signal }),
    );
    const second = client.run({ kind: 'embed', texts: ['go'] });
    setTimeout(() => abort.abort(), 200);
    expect(failureClassOf(await first)).toBe('cancelled');
    expect((await second).vectors).toEqual([[2]]);
    await client.shutdown();
  });
});
