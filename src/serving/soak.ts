import { quantile } from '../core/statistics.ts';
import type { Sample } from './sample.ts';

/** What our own process holds. */
export interface OwnMemory {
  heapBytes: number;
  /** Open sockets, timers and files. */
  handles: number;
}

export interface SoakFigures {
  requests: number;
  errors: Record<string, number>;
  /** Median E2E of the first and the last tenth of the answered requests, and the change as a share. */
  drift: { firstMs: number; lastMs: number; change: number } | null;
  /** Lowest heap and handles in the first and the last fifth of the readings. */
  own: { first: OwnMemory; last: OwnMemory } | null;
  /** Memory of the server's processes at the start and the end; null where they cannot be read. */
  serverRssBytes: { first: number; last: number } | null;
}

/** Latency of the first tenth of the requests against the last; `null` for fewer than 20 answers. */
export function driftOf(samples: readonly Sample[]): SoakFigures['drift'] {
  const times = samples
    .filter((sample) => sample.state === 'answered')
    .sort((a, b) => a.startedMs - b.startedMs)
    .map((sample) => sample.endedMs - sample.startedMs);
  const tenth = Math.floor(times.length / 10);
  if (tenth < 2) return null;
  const firstMs = median(times.slice(0, tenth));
  const lastMs = median(times.slice(-tenth));
  return { firstMs, lastMs, change: firstMs > 0 ? lastMs / firstMs - 1 : 0 };
}

/** The lowest of a fifth of the readings: what is left after garbage was collected. */
export function memoryOf(readings: readonly OwnMemory[]): SoakFigures['own'] {
  const fifth = Math.floor(readings.length / 5);
  if (fifth < 1) return null;
  return { first: lowest(readings.slice(0, fifth)), last: lowest(readings.slice(-fifth)) };
}

function lowest(readings: readonly OwnMemory[]): OwnMemory {
  return {
    heapBytes: Math.min(...readings.map(({ heapBytes }) => heapBytes)),
    handles: Math.min(...readings.map(({ handles }) => handles)),
  };
}

function median(values: readonly number[]): number {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}
