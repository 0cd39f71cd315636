import { describe, expect, it } from 'vitest';
import {
  createRerunner,
  DIMENSIONS,
  SourceError,
  type Dimension,
  type Rerun,
  type RunSpec,
} from '../../../src/quality/execution/index.ts';
import { plainSandbox } from './plain-sandbox.ts';

const SUBJECT = {
  fileName: 'subject.ts',
  source: `
    export function double(value: number) { return value + value; }
    export function spin(times: number) { let turns = 0; while (turns < times) turns += 1; return turns; }
    let calls = 0;
    export function call() { calls += 1; return calls; }
  `,
};
const LAB = `
  import { host } from 'aqe:world';
  export function luck() { return host(); }
`;

function runs(count: number, vary: readonly Dimension[] = DIMENSIONS): RunSpec[] {
  return Array.from({ length: count }, (_, index) => ({
    perturbation: { seed: index + 1, vary: [...vary], still: 0 },
  }));
}

const still = (mutant?: string): RunSpec => ({
  perturbation: { seed: 0, vary: [], still: 0 },
  ...(mutant === undefined ? {} : { mutant }),
});

function rerun(tests: string, specs: readonly RunSpec[]): Promise<Rerun[]> {
  const source = `
    import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
    import { call, double, spin } from './subject';
    import { luck } from './lab';
    const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    ${tests}
  `;
  return createRerunner({ sandbox: plainSandbox({ idleMs: 1500 }) }).rerun({
    subject: SUBJECT,
    test: { fileName: 'subject.test.ts', source },
    modules: { './lab': LAB },
    runs: specs,
    testTimeoutMs: 5000,
    requireAssertions: true,
  });
}

/** In how many runs each test failed. */
function failures(outcomes: readonly Rerun[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const outcome of outcomes) {
    if (outcome.state === 'broken') throw new Error(outcome.message);
    for (const { test } of outcome.failures) found[test] = (found[test] ?? 0) + 1;
  }
  return found;
}

const WORLD = `
  it('order', () => expect(call()).toBe(1));
  it('other', () => expect(call()).toBeGreaterThan(0));
  it('load', async () => { setTimeout(() => call(), 4); await sleep(2); await sleep(2); await sleep(2); await sleep(2);
    let done = false; void sleep(5).then(() => sleep(5)).then(() => { done = true; }); await sleep(15); expect(done).toBe(true); });
  it('zone', () => expect(new Date(2026, 0, 1).getTime()).toBe(Date.UTC(2026, 0, 1)));
  it('date', () => expect(new Date().getUTCFullYear()).toBe(2026));
  it('reading', () => { const start = Date.now(); for (let n = 0; n < 9; n += 1) performance.now(); expect(Date.now()).toBe(start); });
  it('random', () => expect(Math.random()).toBeLessThan(0.6));
  it('salt', () => expect(crypto.getRandomValues(new Uint8Array(1))[0]).toBeLessThan(150));
  it('host', () => expect(luck()).toBeLessThan(0.6));
`;

describe('reruns', () => {
  it('vary what they are told to vary, and nothing else', async () => {
    const own: Partial<Record<Dimension, string[]>> = {
      order: ['order'],
      leftover: ['order'],
      load: ['load'],
      clock: ['date', 'reading', 'zone'],
      random: ['random'],
      iteration: ['salt'],
      host: ['host'],
    };
    for (const [dimension, expected] of Object.entries(own)) {
      const vary = DIMENSIONS.filter((name) => name === dimension);
      const failed = failures(await rerun(WORLD, runs(30, vary)));
      expect({ dimension, failed: Object.keys(failed).sort() }).toEqual({
        dimension,
        failed: expected,
      });
      for (const times of Object.values(failed)) expect(times).toBeLessThan(30);
    }
    expect(failures(await rerun(WORLD, [still()]))).toEqual({});
  });

  it('are the same for the same seeds', async () => {
    const [first, second] = await Promise.all([rerun(WORLD, runs(25)), rerun(WORLD, runs(25))]);
    expect(first).toEqual(second);
    expect(Object.keys(failures(first)).length).toBeGreaterThan(6);
    // What runs before changes nothing.
    expect(await rerun(WORLD, runs(25).slice(20))).toEqual(first.slice(20));
  });

  it('tell their circumstances', async () => {
    const [calm, varied] = await rerun(
      `it('a', () => expect(1).toBe(1)); it('b', async () => { await sleep(120); expect(1).toBe(1); });`,
      [still(), ...runs(1)],
    );
    expect(calm).toEqual({
      state: 'ran',
      circumstances: {
        order: ['a', 'b'],
        leftover: false,
        zone: 'UTC',
        startedAt: '2026-02-11T10:30:00Z',
        tookMs: 120,
      },
      passed: ['a', 'b'],
      failures: [],
    });
    expect(varied).toMatchObject({ circumstances: { startedAt: expect.stringMatching(/Z$/) } });
  });

  it('wait in a time of their own, and end what never ends by its timeout', async () => {
    const outcomes = await rerun(
      `it('long', async () => { await sleep(4000); expect(1).toBe(1); });
       it('never', () => new Promise(() => {}));
       it('immediate', async () => { await new Promise((resolve) => setImmediate(resolve)); expect(1).toBe(1); });
       it('interval', async () => { let n = 0; await new Promise((resolve) => { const timer = setInterval(() => { n += 1; if (n === 3) { clearInterval(timer); resolve(); } }, 1000); }); expect(n).toBe(3); });`,
      [still(), ...runs(5)],
    );
    expect(failures(outcomes)).toEqual({ never: 6 });
    expect(outcomes[0]).toMatchObject({
      failures: [{ test: 'never', message: expect.stringContaining('timed out in 5000ms') }],
    });
  });

  it('know fake timers, dates and time zones that tests set', async () => {
    const outcomes = await rerun(
      `afterEach(() => { vi.useRealTimers(); });
       it('fake', async () => {
         vi.useFakeTimers({ now: new Date(2026, 5, 1) });
         let rang = false; setTimeout(() => { rang = true; }, 60000);
         await vi.advanceTimersByTimeAsync(60000);
         expect(rang).toBe(true); expect(new Date().getDate()).toBe(1);
       });
       it('zone', () => { process.env.TZ = 'Asia/Tokyo'; expect(new Date(2026, 0, 1).toISOString()).toBe('2025-12-31T15:00:00.000Z'); });
       it('dates', () => {
         const now = new Date();
         expect(now).toBeInstanceOf(Date); expect(now.constructor).toBe(Date); expect(typeof Date()).toBe('string');
         class Day extends Date {} expect(new Day(5).getTime()).toBe(5); expect(Date.UTC(1970, 0)).toBe(0);
       });
       it('waits', async () => { let n = 0; void sleep(300).then(() => { n = 1; }); await vi.waitFor(() => expect(n).toBe(1)); });`,
      runs(20),
    );
    expect(failures(outcomes)).toEqual({});
  });

  it('run each test once, whatever it asks for', async () => {
    const outcomes = await rerun(
      `it('again', { retry: 50 }, () => expect(Math.random()).toBeLessThan(0.5));`,
      runs(20),
    );
    expect(failures(outcomes)['again']).toBeGreaterThan(3);
  });

  it('switch mutants on', async () => {
    const outcomes = await rerun(
      `it('doubles', () => expect(double(2)).toBe(4)); it('spins', () => expect(spin(3)).toBe(3));`,
      [still(), still('2:51-2:64 ArithmeticOperator value - value')],
    );
    expect(
      outcomes.map(
        (outcome) => outcome.state === 'ran' && outcome.failures.map(({ test }) => test),
      ),
    ).toEqual([[], ['doubles']]);
    await expect(
      rerun(`it('x', () => expect(1).toBe(1));`, [still('no such mutant')]),
    ).rejects.toThrow(SourceError);
  });

  it('end at the first run that breaks', async () => {
    const hang = await rerun(`it('hangs', () => { for (;;) ; });`, runs(5));
    expect(hang).toEqual([{ state: 'broken', message: 'The test file does not come to an end' }]);
    const unloaded = await rerun(`throw new Error('at the top');`, runs(5));
    expect(unloaded).toEqual([{ state: 'broken', message: 'at the top' }]);
  });
});
