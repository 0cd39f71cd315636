import type { MeasuredStep } from './result.ts';
import type { ServerKind } from './probe/facts.ts';

export type Bottleneck =
  | 'queue'
  | 'cache'
  | 'cpu'
  | 'gpu'
  | 'compute'
  | 'errors'
  | 'none'
  | 'unknown';

export interface Diagnosis {
  /** Output tokens per second at the best step over those of the lightest; null with one step. */
  scale: number | null;
  /** `batches`: requests at once share the work. */
  batching: 'batches' | 'little' | 'none' | 'unknown';
  /** Requests at once of the step with the most tokens per second. */
  peakConcurrency: number | null;
  bottleneck: Bottleneck;
  /** Capacity, bottleneck and fix in one sentence. */
  sentence: string;
}

export interface Machine {
  kind: ServerKind;
  /** Cores of this machine; they matter where the server runs on it. */
  cores: number;
  gpu: boolean | null;
  slots: number | null;
}

type Rung = MeasuredStep & { concurrency: number; rate: number };

/** Twice the tokens per second is more than chance and caches give. */
const BATCHES = 2;
const LITTLE = 1.3;
/** Below this share of a perfect scale, a request pays for those beside it. */
const EFFICIENT = 0.5;
const BUSY_CORES = 0.85;
const FULL_CACHE = 0.95;

/** Says what the server can carry, what holds it back, and what to do; only from what was measured. */
export function diagnose(steps: readonly MeasuredStep[], machine: Machine): Diagnosis {
  const rungs = steps.flatMap((step): Rung[] =>
    step.arrivals.kind === 'closed' && step.outputTokensPerSecond !== null
      ? [{ ...step, concurrency: step.arrivals.concurrency, rate: step.outputTokensPerSecond }]
      : [],
  );
  const [first, ...more] = [...rungs].sort((a, b) => a.concurrency - b.concurrency);
  const failures = failuresOf(steps);
  if (first === undefined) return withoutLadder(steps, failures);
  const peak = more.reduce((best, rung) => (rung.rate > best.rate ? rung : best), first);
  const last = more.at(-1) ?? first;
  const scale = more.length === 0 ? null : peak.rate / first.rate;
  const batching = batchingOf(scale);
  const bottleneck: Bottleneck =
    failures !== undefined ? 'errors' : more.length === 0 ? 'unknown' : held(first, more, machine);
  const capacity = `${peak.rate.toFixed(0)} tokens/s at most, with ${peak.concurrency} at once`;
  const gain =
    scale === null
      ? '; one step says nothing about more at once'
      : batching === 'batches'
        ? ` (${scale.toFixed(1)}× of ${first.concurrency}): the server batches`
        : ` (${scale.toFixed(1)}× of ${first.concurrency}): ${batching === 'none' ? 'no gain' : 'little gain'} from batching`;
  const words = explain(bottleneck, { first, last, failures }, machine);
  return {
    scale,
    batching,
    peakConcurrency: peak.concurrency,
    bottleneck,
    sentence: `${capacity}${gain}; ${words}.`,
  };
}

function batchingOf(scale: number | null): Diagnosis['batching'] {
  if (scale === null) return 'unknown';
  if (scale >= BATCHES) return 'batches';
  return scale >= LITTLE ? 'little' : 'none';
}

/** What keeps more requests at once from giving more. */
function held(first: Rung, more: readonly Rung[], machine: Machine): Bottleneck {
  const last = more.at(-1) ?? first;
  if ((last.server.cacheUseMax ?? 0) >= FULL_CACHE) return 'cache';
  const waits = queued(first, last, machine);
  const before = more.at(-2) ?? first;
  // A server that batches and has not stopped gaining; without batching, a small gain is the end of it.
  const gains = last.rate >= LITTLE * before.rate && last.rate >= BATCHES * first.rate;
  if (!waits && gains) return 'none';
  // Where nothing waited yet, the work itself shows whether it scales.
  const free = more.findLast((rung) => !queued(first, rung, machine));
  if (free !== undefined) {
    const gain = free.rate / first.rate;
    const efficiency = gain / (free.concurrency / first.concurrency);
    if (efficiency < EFFICIENT || gain < LITTLE) return computing(machine, [first, ...more]);
  }
  if (!waits) return 'none';
  // A longer row of places is no help to a machine that one request already fills.
  return first.concurrency === 1 && busy(first, machine) ? computing(machine, [first]) : 'queue';
}

function queued(first: Rung, rung: Rung, { slots }: Machine): boolean {
  if (slots !== null && rung.concurrency > slots) return true;
  if (rung.server.waitingMax !== null) return rung.server.waitingMax > 0;
  if (slots !== null) return false;
  // From outside, a queue is a first token that comes late and an answer that then runs as fast as before.
  const later = ratio(rung.ttftMs.p50, first.ttftMs.p50);
  const slower = ratio(rung.tpotMs.p50, first.tpotMs.p50);
  return later !== undefined && slower !== undefined && later >= 3 && later > 2 * slower;
}

function computing({ gpu, cores }: Machine, rungs: readonly Rung[]): Bottleneck {
  if (gpu === true) return 'gpu';
  const seen = rungs.some((rung) => rung.server.cores !== null && rung.server.cores > 0.5);
  return seen || rungs.some((rung) => busy(rung, { cores })) ? 'cpu' : 'compute';
}

function busy({ server }: Rung, { cores }: Pick<Machine, 'cores'>): boolean {
  return server.cores !== null && server.cores >= BUSY_CORES * cores;
}

function ratio(a: number | null, b: number | null): number | undefined {
  return a === null || b === null || b <= 0 ? undefined : a / b;
}

const MORE_PLACES: Partial<Record<ServerKind, string>> = {
  ollama: 'raise OLLAMA_NUM_PARALLEL, or put a second server beside it',
  'llama-server': 'start it with more slots (-np) and as much more context (-c)',
  vllm: 'raise --max-num-seqs, or put a second replica beside it',
  embedded: 'use a model server, which answers several at once',
};

function explain(
  bottleneck: Bottleneck,
  { first, last, failures }: { first: Rung; last: Rung; failures: Failures | undefined },
  machine: Machine,
): string {
  const used = last.server.cores ?? first.server.cores;
  switch (bottleneck) {
    case 'errors':
      return failureWords(failures);
    case 'queue':
      return `requests wait in the server's queue (${waitWords(last)}): ${MORE_PLACES[machine.kind] ?? 'let the server work on more at once'}`;
    case 'cache':
      return 'its key-value cache is full: give it more memory, or a shorter context (--max-model-len)';
    case 'cpu':
      return `the processor time that it gets is the limit${used === null ? '' : ` (${used.toFixed(1)} of ${machine.cores} cores)`}: more cores or threads, a smaller model or a GPU help, more requests at once do not`;
    case 'gpu':
      return 'the GPU is the limit: a smaller or more quantised model or another GPU helps';
    case 'compute':
      return 'each request slows the others, so its processor or GPU is the limit: a smaller model or more hardware helps';
    case 'none':
      return 'more at once still give more: raise --concurrency to find its limit';
    case 'unknown':
      return 'name several with --concurrency 1,4,16 to find its limit';
  }
}

function waitWords({ server, ttftMs, concurrency }: Rung): string {
  if (server.waitingMax !== null && server.waitingMax > 0)
    return `up to ${server.waitingMax} waiting with ${concurrency} at once`;
  return `first token after ${((ttftMs.p50 ?? 0) / 1000).toFixed(1)} s with ${concurrency} at once`;
}

interface Failures {
  share: number;
  /** The commonest class. */
  failure: string;
}

const MANY_FAILURES = 0.01;

function failuresOf(steps: readonly MeasuredStep[]): Failures | undefined {
  const counts = new Map<string, number>();
  for (const { errors } of steps) {
    for (const [name, count] of Object.entries(errors))
      counts.set(name, (counts.get(name) ?? 0) + count);
  }
  const [commonest] = [...counts].sort(([, a], [, b]) => b - a);
  const failed = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const total = steps.reduce((sum, step) => sum + step.requests, 0);
  if (commonest === undefined || failed / total < MANY_FAILURES) return undefined;
  return { share: failed / total, failure: commonest[0] };
}

const FIXES: Record<string, string> = {
  overloaded: 'send fewer at once or add a server',
  'rate-limited': 'send fewer at once',
  'context-too-long': 'give the server a longer context',
  timeout: 'send fewer at once, or allow more time under deadlines',
  'first-token-timeout': 'send fewer at once, or allow more time under deadlines.firstTokenMs',
  transport: 'read the log of the server',
  internal: 'report it, this is a defect of aqe-llm',
};

function failureWords(failures: Failures | undefined): string {
  if (failures === undefined) return 'no request failed';
  const { share, failure } = failures;
  return `${(share * 100).toFixed(0)} % of the requests failed, mostly ${failure}: ${FIXES[failure] ?? 'read the log of the server'}`;
}

/** An open loop, or a server that counts no tokens: requests are what is left to count. */
function withoutLadder(steps: readonly MeasuredStep[], failures: Failures | undefined): Diagnosis {
  const most = Math.max(0, ...steps.map((step) => step.requestsPerSecond));
  const words =
    failures === undefined
      ? 'a ladder (--concurrency 1,4,16) on a server that counts tokens would find its limit'
      : failureWords(failures);
  return {
    scale: null,
    batching: 'unknown',
    peakConcurrency: null,
    bottleneck: failures === undefined ? 'unknown' : 'errors',
    sentence: `${most.toFixed(2)} requests/s answered; ${words}.`,
  };
}
