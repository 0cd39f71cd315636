import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import type { Http } from './http.ts';
import type { ServerFacts } from './probe/facts.ts';
import { findListener, useOfTree } from './process-tree.ts';
import { readMetrics } from './prometheus.ts';

/** What the server itself showed while it was under load. Null where it does not say. */
export interface ServerReadings {
  /** Most requests that waited for their turn inside the server. */
  waitingMax: number | null;
  /** Most requests that it worked on at once. */
  runningMax: number | null;
  /** Largest share of the key-value cache in use, 0–1. */
  cacheUseMax: number | null;
  /** Processor cores that its processes kept busy on average; a local server on Linux only. */
  cores: number | null;
  /** Memory of its processes when the load began and when it ended. */
  rssBytesBefore: number | null;
  rssBytes: number | null;
}

export interface Watch {
  stop(): Promise<ServerReadings>;
}

export interface WatchDeps {
  clock: Clock;
  /** `/proc`, or what stands in for it. */
  proc: string;
}

const INTERVAL_MS = 500;
const slotsSchema = z.array(z.object({ is_processing: z.boolean() }));

/** Finds the process behind a loopback address; `undefined` for another machine's. */
export async function localProcess(url: string, proc: string): Promise<number | undefined> {
  const { hostname, port, protocol } = new URL(url);
  if (!isLoopback(hostname)) return undefined;
  return findListener(proc, Number(port || (protocol === 'https:' ? 443 : 80)));
}

export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
}

/** Reads the server's own metrics twice a second until it is stopped. */
export function watch(
  http: Http,
  facts: ServerFacts,
  pid: number | undefined,
  { clock, proc }: WatchDeps,
): Watch {
  const most: Record<'waitingMax' | 'runningMax' | 'cacheUseMax', number | null> = {
    waitingMax: null,
    runningMax: null,
    cacheUseMax: null,
  };
  const raise = (name: keyof typeof most, value: number | undefined): void => {
    if (value !== undefined) most[name] = Math.max(most[name] ?? 0, value);
  };
  const stopped = new AbortController();
  const use = () => (pid === undefined ? Promise.resolve(undefined) : useOfTree(proc, pid));
  const startedMs = clock.monotonic();
  const before = use();
  const reading = (async () => {
    while (!stopped.signal.aborted) {
      const read = await readLoad(http, facts);
      raise('waitingMax', read.waiting);
      raise('runningMax', read.running);
      raise('cacheUseMax', read.cacheUse);
      await clock.sleep(INTERVAL_MS, stopped.signal).catch(() => undefined);
    }
  })();
  return {
    stop: async () => {
      stopped.abort();
      const [first, last] = [await before, await use()];
      const elapsedMs = clock.monotonic() - startedMs;
      await reading;
      return {
        ...most,
        cores:
          first === undefined || last === undefined || !(elapsedMs > 0)
            ? null
            : (last.cpuMs - first.cpuMs) / elapsedMs,
        rssBytesBefore: first?.rssBytes ?? null,
        rssBytes: last?.rssBytes ?? null,
      };
    },
  };
}

interface Load {
  waiting?: number | undefined;
  running?: number | undefined;
  cacheUse?: number | undefined;
}

async function readLoad(http: Http, { kind }: ServerFacts): Promise<Load> {
  if (kind !== 'vllm' && kind !== 'llama-server') return {};
  const answer = await http.get('/metrics').catch(() => undefined);
  const metrics = readMetrics(answer?.ok === true ? answer.text : '');
  if (kind === 'vllm') {
    return {
      waiting: metrics.get('vllm:num_requests_waiting'),
      running: metrics.get('vllm:num_requests_running'),
      cacheUse: metrics.get('vllm:kv_cache_usage_perc'),
    };
  }
  const processing = metrics.get('llamacpp:requests_processing');
  return {
    waiting: metrics.get('llamacpp:requests_deferred'),
    running: processing ?? (await busySlots(http)),
    cacheUse: metrics.get('llamacpp:kv_cache_usage_ratio'),
  };
}

async function busySlots(http: Http): Promise<number | undefined> {
  const slots = slotsSchema.safeParse((await http.get('/slots').catch(() => undefined))?.json).data;
  return slots?.filter((slot) => slot.is_processing).length;
}
