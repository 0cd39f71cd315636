import type { Hardware } from '../../config/schema.ts';

/** A year and a month as finance counts them. */
const HOURS_PER_YEAR = 8760;
export const HOURS_PER_MONTH = 730;

/**
 * What a machine costs for an hour, used or not: what it loses in value, its power, and its share of
 * what people and the room cost. A rented one costs its rent.
 */
export function usdPerHour(machine: Hardware): number {
  if ('usdPerHour' in machine) return machine.usdPerHour;
  const { capexUsd, residualUsd, lifeYears, kW, pue, usdPerKWh, opsUsdPerMonth } = machine;
  return (
    (capexUsd - residualUsd) / (lifeYears * HOURS_PER_YEAR) +
    kW * pue * usdPerKWh +
    opsUsdPerMonth / HOURS_PER_MONTH
  );
}

/** US dollars for a million output tokens of a machine that is used to such a share of its time. */
export function usdPerMTok(perHour: number, tokensPerSecond: number, utilisation: number): number {
  return (perHour / (tokensPerSecond * 3600 * utilisation)) * 1e6;
}

/** Whether a provider runs on the machine. */
export function runsOn({ servers }: Hardware, provider: string): boolean {
  return servers === undefined || servers.includes(provider);
}
