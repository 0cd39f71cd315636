import { describe, expect, it } from 'vitest';
import { seededIndex } from '../../src/core/random.ts';
import { figuresOf } from '../../src/serving/figures.ts';
import { runStep, type LoadStep } from '../../src/serving/load.ts';
import { uniqueRequests } from '../../src/serving/prompts.ts';
import type { Sample } from '../../src/serving/sample.ts';
import { jumpingClock, scriptedProvider, type Script } from './fakes.ts';

async function run(step: LoadStep, script: Omit<Script, 'clock'>, signal?: AbortSignal) {
  const clock = jumpingClock();
  const provider = scriptedProvider({ ...script, clock });
  const deps = {
    provider,
    clock,
    nextRequest: uniqueRequests(seededIndex(1), 16),
    randomIndex: seededIndex(2),
  };
  const samples: Sample[] = [];
  for await (const event of runStep(step, deps, signal ?? new AbortController().signal)) {
    if (event.type === 'sample') samples.push(event.sample);
  }
  return { samples, provider };
}

const STEADY = { times: () => ({ firstMs: 100, gapMs: 20 }), pieces: 5 };

describe('a closed loop', () => {
  it('keeps as many at once as it says, and leaves the warm-up out', async () => {
    const step: LoadStep = { arrivals: { kind: 'closed', concurrency: 4 }, requests: 12 };
    const { samples, provider } = await run(step, STEADY);
    expect(samples).toHaveLength(12);
    expect(provider.sent()).toBe(16);
    expect(provider.most()).toBe(4);
    expect(Math.min(...samples.map(({ startedMs }) => startedMs))).toBe(180);
  });

  it('measures first token, tokens by usage and the gaps between pieces', async () => {
    const step: LoadStep = { arrivals: { kind: 'closed', concurrency: 1 }, requests: 3 };
    const { samples } = await run(step, STEADY);
    const figures = figuresOf(step.arrivals, samples, undefined);
    expect(figures.ttftMs.p50).toBe(100);
    expect(figures.e2eMs.p99).toBe(180);
    // 80 ms after the first token, 10 tokens in 5 pieces.
    expect(figures.tpotMs.p50).toBeCloseTo(80 / 9);
    expect(figures.itlMs).toMatchObject({ p50: 20, n: 12 });
    expect(figures.outputTokensPerSecond).toBeCloseTo(30 / 0.54);
    expect(figures.outputTokensPerSecondPerUser).toBeCloseTo(10 / 0.18);
  });

  it('sends no prompt twice, nor two that begin alike', async () => {
    const step: LoadStep = { arrivals: { kind: 'closed', concurrency: 4 }, requests: 40 };
    const { provider } = await run(step, STEADY);
    const begins = provider.prompts.map((prompt) => prompt.slice(0, 12));
    expect(new Set(begins).size).toBe(44);
  });

  it('counts failures by class and goes on', async () => {
    const step: LoadStep = { arrivals: { kind: 'closed', concurrency: 2 }, requests: 10 };
    const { samples } = await run(step, { ...STEADY, fails: (index) => index % 4 === 3 });
    const figures = figuresOf(step.arrivals, samples, { e2eMs: 1000 });
    expect(figures).toMatchObject({ requests: 10, answered: 7, errors: { overloaded: 3 } });
    expect(figures.goodput?.share).toBeCloseTo(0.7);
  });

  it('stops with the reason of the signal', async () => {
    const stop = new AbortController();
    const reason = new Error('enough');
    const step: LoadStep = { arrivals: { kind: 'closed', concurrency: 2 }, requests: 1000 };
    const fails = (index: number): boolean => {
      if (index === 20) stop.abort(reason);
      return false;
    };
    await expect(run(step, { ...STEADY, fails }, stop.signal)).rejects.toBe(reason);
  });
});

describe('an open loop', () => {
  it('sends at its rate whatever the server does', async () => {
    const slow = { times: () => ({ firstMs: 60_000, gapMs: 0 }), pieces: 1 };
    const step: LoadStep = { arrivals: { kind: 'open', ratePerSecond: 10 }, requests: 400 };
    const { samples, provider } = await run(step, slow);
    const starts = samples.map(({ startedMs }) => startedMs).sort((a, b) => a - b);
    const seconds = ((starts.at(-1) ?? 0) - (starts[0] ?? 0)) / 1000;
    // 399 exponential gaps of 0.1 s: mean 39.9 s, standard deviation 2 s.
    expect(seconds).toBeGreaterThan(32);
    expect(seconds).toBeLessThan(48);
    expect(provider.most()).toBe(400);
  });

  it('arrives the same for the same seed', async () => {
    const step: LoadStep = { arrivals: { kind: 'open', ratePerSecond: 5 }, requests: 10 };
    const [one, two] = [await run(step, STEADY), await run(step, STEADY)];
    expect(one.samples).toEqual(two.samples);
  });
});
