import { describe, expect, it } from 'vitest';
import { compareSteps } from '../../src/serving/compare.ts';
import { diagnose, type Machine } from '../../src/serving/diagnosis.ts';
import { figuresOf } from '../../src/serving/figures.ts';
import { readMetrics } from '../../src/serving/prometheus.ts';
import type { MeasuredStep } from '../../src/serving/result.ts';
import type { Sample } from '../../src/serving/sample.ts';
import { judgeSlo, keeps, parseSlo } from '../../src/serving/slo.ts';
import { driftOf, memoryOf } from '../../src/serving/soak.ts';

const SILENT = {
  waitingMax: null,
  runningMax: null,
  cacheUseMax: null,
  cores: null,
  rssBytesBefore: null,
  rssBytes: null,
};

function answered(startedMs: number, e2eMs: number, ttftMs = e2eMs / 2, outputTokens = 11): Sample {
  const endedMs = startedMs + e2eMs;
  return {
    state: 'answered',
    startedMs,
    endedMs,
    ttftMs,
    outputTokens,
    inputTokens: 5,
    gapsMs: [],
  };
}

/** `concurrency` answers that start together, each with these times. */
function step(
  concurrency: number,
  e2eMs: number,
  ttftMs: number,
  server: Partial<MeasuredStep['server']> = {},
): MeasuredStep {
  const samples = Array.from({ length: concurrency }, () => answered(0, e2eMs, ttftMs));
  const figures = figuresOf({ kind: 'closed', concurrency }, samples, undefined);
  return { ...figures, server: { ...SILENT, ...server } };
}

const VLLM: Machine = { kind: 'vllm', cores: 2, gpu: null, slots: null };
const LLAMA: Machine = { kind: 'llama-server', cores: 2, gpu: null, slots: 4 };
const OLLAMA: Machine = { kind: 'ollama', cores: 2, gpu: null, slots: null };

describe('an objective', () => {
  it('is read with its units, and refused with the part that is wrong', () => {
    expect(parseSlo('ttft=2s, tpot=80ms,e2e=5.5s')).toEqual({
      ttftMs: 2000,
      tpotMs: 80,
      e2eMs: 5500,
    });
    for (const wrong of ['', 'ttft', 'ttft=2', 'itl=2s', 'ttft=2s,,e2e=1s', 'e2e=-1s']) {
      expect(() => parseSlo(wrong)).toThrow('--slo does not understand');
    }
  });

  it('is kept by a request that keeps all of it', () => {
    const slo = { ttftMs: 100, tpotMs: 10, e2eMs: 200 };
    expect(keeps(answered(0, 200, 100), slo)).toBe(true);
    expect(keeps(answered(0, 201, 101), slo)).toBe(false);
    expect(keeps(answered(0, 201, 110), { e2eMs: 200 })).toBe(false);
    expect(keeps(answered(0, 150, 100, 1), slo)).toBe(true);
    expect(
      keeps({ state: 'failed', startedMs: 0, endedMs: 1, failure: 'timeout', message: '' }, {}),
    ).toBe(false);
  });

  it.each([
    [20, 20, 'met'],
    [19, 20, 'met'],
    [18, 20, 'missed'],
    [19, 19, 'too-few'],
    // One good of two: 0.0975 likely; none of two: 0.0025; one of four: 0.0005.
    [1, 2, 'too-few'],
    [0, 2, 'missed'],
    [0, 1, 'too-few'],
    [1, 4, 'missed'],
    [0, 0, 'too-few'],
  ])('with %i good of %i is %s', (good, total, verdict) => {
    expect(judgeSlo(good, total)).toBe(verdict);
  });
});

describe('percentiles', () => {
  it('are marked where there are too few values for them', () => {
    const of = (n: number) =>
      figuresOf(
        { kind: 'closed', concurrency: 1 },
        Array.from({ length: n }, (_, index) => answered(index * 10, index + 1)),
        undefined,
      ).e2eMs;
    expect(of(100)).toMatchObject({ p50: 50.5, p99: 99.01, n: 100, unsound: [] });
    expect(of(20).unsound).toEqual(['p99']);
    expect(of(9).unsound).toEqual(['p90', 'p95', 'p99']);
    expect(of(0)).toMatchObject({ p50: null, n: 0 });
  });

  it('have no tokens per second where one answer was not counted', () => {
    const samples = [answered(0, 10), { ...answered(0, 10), outputTokens: null }];
    const figures = figuresOf({ kind: 'closed', concurrency: 2 }, samples, undefined);
    expect(figures.outputTokensPerSecond).toBeNull();
  });
});

describe('the diagnosis', () => {
  it('finds a server that batches', () => {
    const found = diagnose([step(1, 1000, 100), step(4, 1200, 120), step(16, 1600, 200)], VLLM);
    expect(found).toMatchObject({ batching: 'batches', peakConcurrency: 16, bottleneck: 'none' });
    expect(found.scale).toBeCloseTo(10);
    expect(found.sentence).toContain('10.0× of 1): the server batches');
  });

  it('names no limit while the last step still gives more', () => {
    const found = diagnose([step(1, 1000, 100), step(4, 1600, 120), step(16, 3600, 200)], VLLM);
    expect(found).toMatchObject({ batching: 'batches', bottleneck: 'none' });
  });

  it('takes a small gain without batching for the limit', () => {
    const cores = { cores: 0.9, waitingMax: 0 };
    const found = diagnose([step(1, 1000, 100, cores), step(4, 2500, 400, cores)], LLAMA);
    expect(found).toMatchObject({ batching: 'little', bottleneck: 'cpu' });
  });

  it('finds a processor that one request already fills', () => {
    const found = diagnose(
      [step(1, 1000, 100, { cores: 1 }), step(4, 3900, 400, { cores: 1, waitingMax: 0 })],
      LLAMA,
    );
    expect(found).toMatchObject({ batching: 'none', bottleneck: 'cpu' });
    expect(found.sentence).toContain('1.0 of 2 cores');
  });

  it('finds the queue of a server that scales as far as it has slots', () => {
    const found = diagnose(
      [step(1, 1000, 100), step(4, 1100, 100), step(16, 4400, 3400, { waitingMax: 12 })],
      LLAMA,
    );
    expect(found.bottleneck).toBe('queue');
    expect(found.sentence).toContain('up to 12 waiting with 16 at once');
    expect(found.sentence).toContain('-np');
  });

  it('knows that the embedded engine has one place, whatever a short row looks like', () => {
    const embedded: Machine = { kind: 'embedded', cores: 2, gpu: null, slots: 1 };
    const found = diagnose([step(1, 1000, 100), step(2, 2000, 900, { waitingMax: 0 })], embedded);
    expect(found).toMatchObject({ batching: 'none', bottleneck: 'queue' });
    expect(found.sentence).toContain('use a model server');
  });

  it('does not ask for more at once where two at once gained nothing', () => {
    const found = diagnose([step(1, 1000, 100), step(2, 2000, 200)], { ...VLLM, slots: 16 });
    expect(found).toMatchObject({ batching: 'none', bottleneck: 'compute' });
  });

  it('finds a queue from outside: late first tokens, then the old speed', () => {
    const found = diagnose([step(1, 1000, 100), step(4, 2800, 1900)], OLLAMA);
    expect(found.bottleneck).toBe('queue');
    expect(found.sentence).toContain('OLLAMA_NUM_PARALLEL');
  });

  it('finds a full cache, and failures before all else', () => {
    const full = step(16, 2000, 100, { cacheUseMax: 0.99 });
    expect(diagnose([step(1, 1000, 100), full], VLLM).bottleneck).toBe('cache');
    const failing = { ...full, errors: { overloaded: 4 } };
    const found = diagnose([step(1, 1000, 100), failing], VLLM);
    expect(found.bottleneck).toBe('errors');
    expect(found.sentence).toContain('24 % of the requests failed, mostly overloaded');
  });

  it('says nothing of batching after one step', () => {
    expect(diagnose([step(4, 1000, 100)], VLLM)).toMatchObject({
      scale: null,
      batching: 'unknown',
    });
  });
});

describe('the rest', () => {
  it('compares the steps that two checks share', () => {
    const change = compareSteps('then', [step(1, 1000, 100)], [step(1, 1500, 100), step(4, 9, 1)]);
    expect(change.steps).toHaveLength(1);
    expect(change.steps[0]).toMatchObject({ ttftP95: 0, e2eP95: 0.5 });
    expect(change.steps[0]?.outputTokensPerSecond).toBeCloseTo(-1 / 3);
  });

  it('sees drift between the first and the last tenth', () => {
    const samples = Array.from({ length: 100 }, (_, index) =>
      answered(index * 1000, index < 50 ? 100 : 130),
    );
    expect(driftOf(samples)?.change).toBeCloseTo(0.3);
    expect(driftOf(samples.slice(0, 19))).toBeNull();
  });

  it('takes memory where garbage was collected', () => {
    const readings = [9, 5, 8, 7, 6, 9, 9, 9, 5, 6].map((heapBytes) => ({ heapBytes, handles: 3 }));
    expect(memoryOf(readings)).toEqual({
      first: { heapBytes: 5, handles: 3 },
      last: { heapBytes: 5, handles: 3 },
    });
  });

  it('reads metrics, adding up labels', () => {
    const text =
      '# HELP x\nvllm:num_requests_waiting{engine="0",model_name="a b"} 2.0\nvllm:num_requests_waiting{engine="1"} 3\nh_bucket{le="1"} 4\nbad NaN\n';
    expect([...readMetrics(text)]).toEqual([['vllm:num_requests_waiting', 5]]);
  });
});
