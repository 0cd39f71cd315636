import type { Clock } from '../core/clock.ts';
import { deriveSeed, seededIndex } from '../core/random.ts';
import type { Provider } from '../providers/provider.ts';
import { labelOf } from './compare.ts';
import { diagnose } from './diagnosis.ts';
import { figuresOf } from './figures.ts';
import type { Http } from './http.ts';
import { runStep, type LoadDeps, type LoadStep } from './load.ts';
import type { ServerFacts } from './probe/facts.ts';
import { uniqueRequests } from './prompts.ts';
import type { Load, MeasuredStep } from './result.ts';
import type { Sample } from './sample.ts';
import type { Slo } from './slo.ts';
import { driftOf, memoryOf, type OwnMemory, type SoakFigures } from './soak.ts';
import { localProcess, watch, type ServerReadings, type Watch } from './watch.ts';

export interface LoadPlan {
  steps: readonly LoadStep[];
  /** A last, long step under the arrivals of the heaviest one; null for none. */
  soak: LoadStep | null;
  maxTokens: number;
  slo: Slo | undefined;
  seed: number;
}

export type MeasureEvent =
  | { type: 'step-started'; label: string; requests: number }
  | { type: 'progress'; label: string; done: number; requests: number; failed: number }
  | { type: 'step'; label: string; figures: MeasuredStep };

export interface MeasureDeps {
  clock: Clock;
  proc: string;
  cores: number;
  /** What this process holds. */
  own: () => OwnMemory;
}

/** A server that can be asked about itself, while it is under load. */
export interface Watched {
  http: Http;
  facts: ServerFacts;
}

/** Puts a provider under a plan's load, step by step. @throws the signal's reason when aborted */
export async function* measure(
  provider: Provider,
  watched: Watched | undefined,
  plan: LoadPlan,
  deps: MeasureDeps,
  signal: AbortSignal,
): AsyncGenerator<MeasureEvent, Extract<Load, { state: 'measured' }>> {
  const pid = watched === undefined ? undefined : await localProcess(watched.http.url, deps.proc);
  const nextRequest = uniqueRequests(seededIndex(deriveSeed(plan.seed, 'prompts')), plan.maxTokens);
  const randomIndex = seededIndex(deriveSeed(plan.seed, 'arrivals'));
  const load = { provider, clock: deps.clock, nextRequest, randomIndex };
  const start = (): Watch | undefined => watched && watch(watched.http, watched.facts, pid, deps);
  const steps: MeasuredStep[] = [];
  for (const step of plan.steps) {
    const { samples, server } = yield* runWatched(step, '', load, start, deps, signal);
    const figures = { ...figuresOf(step.arrivals, samples, plan.slo), server };
    steps.push(figures);
    yield { type: 'step', label: labelOf(step.arrivals), figures };
  }
  let soak: SoakFigures | null = null;
  if (plan.soak !== null) {
    const run = yield* runWatched(plan.soak, 'soak, ', load, start, deps, signal);
    soak = soakOf(plan.soak, run);
  }
  const { facts } = watched ?? {};
  const diagnosis = diagnose(steps, {
    kind: facts?.kind ?? 'embedded',
    cores: deps.cores,
    gpu: facts?.gpu ?? null,
    slots: facts?.slots ?? null,
  });
  return { state: 'measured', steps, soak, diagnosis, change: null };
}

/** How often our own memory is read in a step. */
const MEMORY_READINGS = 50;

interface WatchedRun {
  samples: Sample[];
  server: ServerReadings;
  memory: OwnMemory[];
}

async function* runWatched(
  step: LoadStep,
  prefix: string,
  load: LoadDeps,
  start: () => Watch | undefined,
  { own }: MeasureDeps,
  signal: AbortSignal,
): AsyncGenerator<MeasureEvent, WatchedRun> {
  const { arrivals, requests } = step;
  const label = `${prefix}${labelOf(arrivals)}`;
  yield { type: 'step-started', label, requests };
  const samples: Sample[] = [];
  const memory: OwnMemory[] = [];
  const every = Math.max(1, Math.floor(requests / MEMORY_READINGS));
  let failed = 0;
  let watching: Watch | undefined;
  let server: ServerReadings | undefined;
  try {
    for await (const event of runStep(step, load, signal)) {
      if (event.type === 'measuring') {
        watching = start();
        continue;
      }
      const { sample, done } = event;
      samples.push(sample);
      if (sample.state === 'failed') failed += 1;
      if (done % every === 0) memory.push(own());
      yield { type: 'progress', label, done, requests, failed };
    }
  } finally {
    server = await watching?.stop();
  }
  return { samples, server: server ?? NOTHING_READ, memory };
}

const NOTHING_READ: ServerReadings = {
  waitingMax: null,
  runningMax: null,
  cacheUseMax: null,
  cores: null,
  rssBytesBefore: null,
  rssBytes: null,
};

function soakOf({ arrivals }: LoadStep, { samples, server, memory }: WatchedRun): SoakFigures {
  const { requests, errors } = figuresOf(arrivals, samples, undefined);
  const { rssBytesBefore: first, rssBytes: last } = server;
  return {
    requests,
    errors,
    drift: driftOf(samples),
    own: memoryOf(memory),
    serverRssBytes: first === null || last === null ? null : { first, last },
  };
}
