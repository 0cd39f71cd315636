import { z } from 'zod';

/** Milliseconds since the Unix epoch, written as a date (its midnight in UTC) or as a time with its offset. */
export const instant = z
  .union([z.iso.date(), z.iso.datetime({ offset: true })], {
    error: 'expected a date as 2026-11-01, or a time as 2026-11-01T00:00:00Z',
  })
  .transform((written) => Date.parse(written));
