import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../src/core/clock.ts';
import { runBatch, type BatchEvent, type BatchOptions } from '../../src/routing/batch.ts';
import { openBatchFile, type BatchFile } from '../../src/routing/batch/batch-file.ts';
import { readBatch, type BatchInput } from '../../src/routing/batch/input.ts';
import type { Decision, RouteRequest, Rung } from '../../src/routing/decision.ts';
import type { RoutableModel, RouteAnswer } from '../../src/routing/router.ts';
import { loadPrices } from '../../src/config/prices/load-prices.ts';
import { createCharges } from '../../src/ledger/charge.ts';

type BatchRouter = BatchOptions['router'];

/** A router whose only target echoes prompts. */
export interface EchoRouter extends BatchRouter {
  /** Last messages of what was asked, in the order of asking. */
  readonly asked: readonly string[];
  /** The most requests that ran at once. */
  readonly most: number;
}

export interface EchoOptions {
  /** What happens before an answer, as a wait or a failure. */
  before?: (prompt: string, signal: AbortSignal | undefined) => Promise<void>;
  rungOf?: (request: RouteRequest) => Rung;
  models?: readonly RoutableModel[];
}

export const LOCAL: Rung = { tier: 'direct', spec: 'here:echo', maySeePrivate: true };

export function echoRouter({
  before = async () => {},
  rungOf = () => LOCAL,
  models = [{ id: LOCAL.spec, tier: 'direct', concurrency: 4 }],
}: EchoOptions = {}): EchoRouter {
  const asked: string[] = [];
  let running = 0;
  let most = 0;
  return {
    asked,
    get most() {
      return most;
    },
    async complete(request, { signal } = {}): Promise<RouteAnswer> {
      const prompt = promptOf(request);
      asked.push(prompt);
      running += 1;
      most = Math.max(most, running);
      try {
        await before(prompt, signal);
        return answer(prompt, decisionFor(rungOf(request)));
      } finally {
        running -= 1;
      }
    },
    explain: async (request) => decisionFor(rungOf(request)),
    models: async () => [...models],
  };
}

export function promptOf({ messages }: Pick<RouteRequest, 'messages'>): string {
  return messages.at(-1)?.content ?? '';
}

function answer(prompt: string, decision: Decision): RouteAnswer {
  const [{ tier, spec }] = decision.ladder;
  return {
    requestId: `id of ${prompt}`,
    completion: {
      model: 'echo',
      text: `echo of ${prompt}`,
      finishReason: 'stop',
      usage: { inputTokens: 2, outputTokens: 3 },
      timing: { measured: false },
    },
    tier,
    target: spec,
    decision,
    attempts: 1,
    usd: 0.5,
    totalMs: 5,
    overheadMs: 0,
    dropped: 0,
  };
}

function decisionFor(rung: Rung): Decision {
  return {
    policy: 'test',
    narrowedBy: [],
    strategy: 'adaptive',
    description: {
      category: 'other',
      complexity: 'simple',
      confidence: 1,
      promptTokens: 3,
      features: {},
    },
    ladder: [rung],
    confidence: 1,
    reasons: [],
    rejected: [],
    neighbours: [],
  };
}

/** Sleepers wake at once; time passes as they asked. */
export function hastyClock(): Clock & { slept: number[] } {
  let now = 1_000_000;
  const slept: number[] = [];
  return {
    slept,
    now: () => now,
    monotonic: () => now,
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      await setImmediate();
      signal?.throwIfAborted();
      slept.push(ms);
      now += ms;
    },
  };
}

/** Nothing may wait. */
export const INCONVENIENT: BatchOptions['convenience'] = {
  enabled: false,
  batchesOf: () => undefined,
  fill: ({ messages, maxTokens = 100 }) => ({
    messages,
    maxTokens,
    temperature: 0,
    seed: 1,
    repeat: 0,
  }),
  ledger: { begin: () => {}, end: () => {}, find: () => undefined, event: () => {} },
  charges: createCharges({}, loadPrices(undefined)),
};

export function inputOf(requests: readonly object[]): BatchInput {
  return readBatch(Buffer.from(requests.map((request) => JSON.stringify(request)).join('\n')));
}

/** Runs a batch on an output to its end, and gives its events. */
export async function run(
  output: string,
  options: Pick<BatchOptions, 'router' | 'input'> & Partial<BatchOptions>,
): Promise<BatchEvent[]> {
  const file: BatchFile = openBatchFile(output, options.input);
  const events: BatchEvent[] = [];
  try {
    for await (const event of runBatch({
      file,
      convenience: INCONVENIENT,
      signal: new AbortController().signal,
      clock: hastyClock(),
      ...options,
    })) {
      events.push(event);
    }
  } finally {
    file.close();
  }
  return events;
}
