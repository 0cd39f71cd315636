import type { Hardware } from '../../config/schema.ts';
import { HOURS_PER_MONTH, runsOn, usdPerHour, usdPerMTok } from './hardware.ts';
import type { Machine } from './result.ts';
import type { Cell } from './tally.ts';

const MILLION = 1e6;

/**
 * What each machine cost, how much it was used, and from which use on it is cheaper than Claude.
 * @param cells of the whole report, by kind
 * @param ratio of Claude's bill over local tokens at its price
 */
export function machinesOf(
  machines: readonly Hardware[],
  cells: readonly Cell[],
  hours: number,
  ratio: number,
): Machine[] {
  return machines.map((machine) => {
    const its = cells.filter(({ kind }) => kind.selfHosted && runsOn(machine, kind.provider));
    const sum = (of: (cell: Cell) => number): number =>
      its.reduce((total, cell) => total + of(cell), 0);
    const perHour = usdPerHour(machine);
    const usd = perHour * hours;
    const outputTokens = sum(({ sums }) => sums.outputTokens);
    const answered = its.filter(({ atClaudeUsd }) => atClaudeUsd > 0);
    const answeredTokens = answered.reduce((total, { sums }) => total + sums.outputTokens, 0);
    const claudeUsd = ratio * sum(({ atClaudeUsd }) => atClaudeUsd);
    const claudeUsdPerMTok = answeredTokens === 0 ? null : (claudeUsd / answeredTokens) * MILLION;
    const { tokensPerSecond } = machine;
    const atMost = tokensPerSecond === undefined ? undefined : tokensPerSecond * 3600;
    const breakEven =
      claudeUsdPerMTok === null || claudeUsdPerMTok === 0
        ? null
        : (perHour * HOURS_PER_MONTH) / claudeUsdPerMTok;
    return {
      name: machine.name,
      usdPerHour: perHour,
      hours,
      usd,
      outputTokens,
      busyShare: hours === 0 ? 0 : sum(({ sums }) => sums.ms) / (hours * 3_600_000),
      utilisation: atMost === undefined || hours === 0 ? null : outputTokens / (atMost * hours),
      usdPerMTok: outputTokens === 0 ? null : (usd / outputTokens) * MILLION,
      usdPerMTokAtFullLoad:
        tokensPerSecond === undefined ? null : usdPerMTok(perHour, tokensPerSecond, 1),
      claudeUsdPerMTok,
      breakEvenMTokPerMonth: breakEven,
      breakEvenUtilisation:
        breakEven === null || atMost === undefined
          ? null
          : (breakEven * MILLION) / (atMost * HOURS_PER_MONTH),
    };
  });
}
