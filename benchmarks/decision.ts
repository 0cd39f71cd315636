import { configSchema } from '../src/config/schema.ts';
import { COMPLEXITIES } from '../src/core/task.ts';
import { decide, type DecideInput } from '../src/routing/decide.ts';
import type { RouteRequest, TargetState } from '../src/routing/decision.ts';
import { describe } from '../src/routing/describe.ts';

const ROUNDS = 20_000;
const WARM_UP = 2000;
const COUNTS = [3, 10, 50];
const PROMPT =
  'Write unit tests for the retry logic below. Cover the limit, the backoff and an abort.\n' +
  'export async function retry<T>(work: () => Promise<T>, times: number): Promise<T> { … }\n'.repeat(
    20,
  );

/** What a decision takes, beside taking the first target there is. */
export async function run(out: (line: string) => void): Promise<void> {
  out(`${ROUNDS} decisions each, in turns with the control; microseconds`);
  out('targets  what                      p50      p95      p99      max');
  for (const count of COUNTS) {
    const input = inputOf(count);
    const { request } = input;
    const rivals: [string, () => unknown][] = [
      ['control: the first target', () => input.targets[0]],
      ['decide', () => decide(input)],
      ['describe and decide', () => decide({ ...input, description: describe(request) })],
    ];
    const times = rivals.map(() => new Float64Array(ROUNDS));
    for (let round = -WARM_UP; round < ROUNDS; round += 1) {
      for (const [index, [, work]] of rivals.entries()) {
        const start = process.hrtime.bigint();
        work();
        const ns = Number(process.hrtime.bigint() - start);
        const own = times[index];
        if (round >= 0 && own !== undefined) own[round] = ns / 1000;
      }
    }
    for (const [index, [name]] of rivals.entries()) {
      const own = times[index]?.toSorted() ?? new Float64Array();
      const at = (share: number): string =>
        (own[Math.floor(share * (own.length - 1))] ?? NaN).toFixed(1).padStart(8);
      out(
        `${String(count).padStart(7)}  ${name.padEnd(25)}${[0.5, 0.95, 0.99, 1].map(at).join(' ')}`,
      );
    }
  }
  out('promise: p99 of a decision below 1,000');
}

function inputOf(count: number): DecideInput {
  const request: RouteRequest = { messages: [{ role: 'user', content: PROMPT }] };
  const targets = Array.from({ length: count }, (_, index): TargetState => {
    const suits = COMPLEXITIES[index % COMPLEXITIES.length];
    const tier = index % 5 === 4 ? 'cloud' : index % 2 === 0 ? 'direct' : 'orchestrated';
    return {
      tier,
      spec: `server${index % 7}:model${index}`,
      maySeePrivate: tier !== 'cloud',
      ...(suits === undefined ? {} : { suits }),
      breaker: index % 11 === 10 ? 'open' : 'closed',
      inFlight: index % 3,
      concurrency: 4,
      latency: { ttftMs: 200 + index, msPerToken: 10 },
      estimatedUsd: tier === 'cloud' ? 0.01 : 0,
      quality: { mean: 0.9, lower: 0.86, n: 30, source: 'baseline' },
    };
  });
  const neighbours = Array.from({ length: 10 }, (_, index) => ({
    id: `p${index}`,
    similarity: 0.9,
    target: `server${index % 7}:model${index}`,
    quality: 0.8,
  }));
  const { routing } = configSchema.parse({});
  return { request, description: describe(request), targets, settings: routing, neighbours };
}
