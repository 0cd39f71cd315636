import { z } from 'zod';
import type { Database } from '../../storage/database.ts';
import { PURPOSES } from '../ledger.ts';

const kindRow = z
  .object({
    id: z.int(),
    target: z.string(),
    provider: z.string(),
    model: z.string(),
    tier: z.string(),
    self_hosted: z.int(),
    purpose: z.enum(PURPOSES),
    batch: z.int(),
    outcome: z.string(),
    agent: z.string(),
    category: z.string(),
    price_version: z.string(),
  })
  .transform(({ self_hosted: own, batch, price_version: priceVersion, ...kind }) => ({
    ...kind,
    selfHosted: own === 1,
    batch: batch === 1,
    priceVersion,
  }));
/** What many attempts have in common; text that nobody gave is empty. */
export type Kind = z.output<typeof kindRow>;

export function readKinds(database: Database): Map<number, Kind> {
  const rows = z.array(kindRow).parse(database.prepare('SELECT * FROM attempt_kinds').all());
  return new Map(rows.map((kind) => [kind.id, kind]));
}

/** Whether a request was answered by it: it stands for what a fleet on Claude alone would have asked. */
export function isAnswer({ purpose, outcome }: Kind): boolean {
  return outcome === 'ok' && (purpose === 'answer' || purpose === 'retry');
}
