import type { BatchTally } from './batch-file.ts';

export type BatchEvent =
  /** `done` lines have their result from an earlier run. */
  | { type: 'started'; total: number; done: number }
  /** Requests wait at a provider for its own batch of that id, sent now or by an earlier run. */
  | { type: 'submitted'; batch: string; target: string; requests: number; earlier: boolean }
  /** How far the provider's batch is. */
  | { type: 'waiting'; batch: string; requests: number; running: number }
  /** A line has its result, which is recorded; so many have it now, and so many requests run. */
  | { type: 'answered'; line: number; ok: boolean; done: number; running: number }
  | { type: 'finished'; total: number; tally: BatchTally };
