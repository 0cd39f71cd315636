import type { Deadlines } from '../../src/providers/http/deadlines.ts';

/** Long enough for a model that is loaded on a busy machine. */
export const PATIENT: Deadlines = {
  connectMs: 5_000,
  firstTokenMs: 300_000,
  idleMs: 120_000,
  totalMs: 600_000,
};
