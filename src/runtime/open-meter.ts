import { randomInt } from 'node:crypto';
import type { LoadedConfig } from '../config/load.ts';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { Charges } from '../ledger/charge.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { meter, type Metering } from '../ledger/meter.ts';
import type { Provider } from '../providers/provider.ts';
import { newRequestId } from '../routing/intake.ts';

/** For what a provider is asked outside of requests, and who hears of what could not be recorded. */
export type Metered = Omit<Metering, 'tier'> & { onTrouble: (message: string) => void };

export interface MeterDeps {
  config: Pick<LoadedConfig, 'servers'>;
  clock: Clock;
  ledger: () => Ledger;
  charges: () => Charges;
}

/** Gives providers whose calls are in the ledger. */
export function openMeter({ config, clock, ledger, charges }: MeterDeps) {
  return (provider: Provider, { onTrouble, ...about }: Metered): Provider => {
    const server = config.servers[provider.id.split(':')[0] ?? ''];
    return meter(
      provider,
      { ...about, tier: server?.kind === 'anthropic' ? 'cloud' : 'direct' },
      {
        ledger: ledger(),
        charges: charges(),
        clock,
        newId: () => newRequestId(randomInt),
        onTrouble: (error) => onTrouble(messageOf(error)),
      },
    );
  };
}
