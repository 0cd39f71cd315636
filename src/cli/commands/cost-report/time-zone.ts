import type { LoadedConfig } from '../../../config/load.ts';
import { openZone, type Zone } from '../../../ledger/report/zone.ts';

/**
 * The zone that days are of: the one asked for, the configuration's, or the machine's.
 * @throws AppError `usage.timezone`
 */
export function zoneOf(asked: string | undefined, { costs }: Pick<LoadedConfig, 'costs'>): Zone {
  return openZone(asked ?? costs.timezone ?? new Intl.DateTimeFormat().resolvedOptions().timeZone);
}
