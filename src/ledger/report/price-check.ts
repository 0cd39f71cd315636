import type { Problem } from '../../core/errors.ts';
import { CURRENCY } from '../../config/prices/price-file.ts';
import { z } from 'zod';
import type { Database } from '../../storage/database.ts';
import { withStorage } from '../../storage/failure.ts';
import type { Charges } from '../charge.ts';

export interface PriceCheckOptions {
  database: Database;
  charges: Charges;
  /** What the tiers are configured with, with the tier of each. */
  targets: readonly { target: string; tier: string }[];
  now: number;
}

const unpricedRow = z.object({ target: z.string(), attempts: z.int(), last: z.int() });

/** Models without a price: those that may be asked now, and those in the ledger whose usage is known. */
export function missingPrices({ database, charges, targets, now }: PriceCheckOptions): Problem[] {
  const configured = targets.flatMap(({ target, tier }) =>
    charges.isSelfHosted(target, tier, now) || charges.priceOf(target, now) !== undefined
      ? []
      : [
          {
            path: target,
            message: `tiers.${tier} names it, and it has no price in ${CURRENCY} now`,
          },
        ],
  );
  const rows = withStorage(() =>
    z.array(unpricedRow).parse(
      database
        .prepare(
          `SELECT k.target AS target, count(*) AS attempts, max(a.at) AS last
           FROM attempt_kinds k JOIN attempts a ON a.kind = k.id
           WHERE k.price_version = '' AND a.input_tokens IS NOT NULL AND a.output_tokens IS NOT NULL
           GROUP BY k.target ORDER BY attempts DESC`,
        )
        .all(),
    ),
  );
  const recorded = rows
    .filter(({ target }) => !configured.some(({ path }) => path === target))
    .map(({ target, attempts, last }) => ({
      path: target,
      message: `${attempts} attempts until ${new Date(last).toISOString().slice(0, 10)} had no price when they ended`,
    }));
  return [...configured, ...recorded];
}
