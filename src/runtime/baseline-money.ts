import type { LoadedConfig } from '../config/load.ts';
import { reckon } from '../config/prices/price-book.ts';
import type { Clock } from '../core/clock.ts';
import type { Charges } from '../ledger/charge.ts';
import type { Money } from '../quality/run/budget.ts';

/** What the sides of baselines cost, by the prices that hold now. */
export function createBaselineMoney(
  servers: LoadedConfig['servers'],
  charges: Charges,
  clock: Clock,
): Money {
  const tierOf = (spec: string): string =>
    servers[spec.split(':')[0] ?? '']?.kind === 'anthropic' ? 'cloud' : 'direct';
  return {
    chargeOf: (spec, { startedAt: at, outcome, usage, ttftMs }) =>
      charges.of({ target: spec, tier: tierOf(spec), at, outcome, usage, ttftMs }).usd,
    priceOf(spec, { input: inputTokens, output: outputTokens }) {
      const now = clock.now();
      if (charges.isSelfHosted(spec, tierOf(spec), now)) return 0;
      const price = charges.priceOf(spec, now);
      return price && reckon({ inputTokens, outputTokens }, price)?.usd;
    },
  };
}
