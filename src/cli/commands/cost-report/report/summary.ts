import type { ChalkInstance } from 'chalk';
import type {
  Budget,
  CostReport,
  Interval,
  Machine,
  Roi,
  Savings,
} from '../../../../ledger/report/result.ts';
import { wrap } from '../../../output/layout.ts';
import { basisText, formatRange, formatShare, formatUsd, negated } from './words.ts';

/** What a report says besides its rows, in lines for a terminal. */
export function summaryLines(report: CostReport, width: number, paint: ChalkInstance): string[] {
  const parts: Part[] = [
    ...(report.total.attempts === 0 ? [] : savingsLines(report.savings)),
    ...report.machines.flatMap(machineLines),
    ...(report.roi === null ? [] : [{ title: 'Return', text: roiText(report.roi) }]),
    ...(report.budget === null
      ? []
      : [
          {
            title: 'Budget',
            text: budgetText(report.budget),
            ...(report.budget.over ? { mark: 'bad' as const } : {}),
          },
        ]),
  ];
  return parts.flatMap(({ title, text, mark }) => {
    const [first = '', ...others] = wrap(text, width - 12);
    const painted = mark === 'bad' ? paint.red(first) : first;
    return [
      '',
      `${paint.dim(title.padEnd(12))}${painted}`,
      ...others.map((line) => `            ${line}`),
    ];
  });
}

interface Part {
  title: string;
  text: string;
  mark?: 'bad';
}

function savingsLines(savings: Savings): Part[] {
  if (savings.state === 'unknown') return [{ title: 'Saved', text: savings.why }];
  const { savedUsd, savedShare, allClaudeUsd, actualUsd } = savings;
  const share =
    savedShare === null
      ? ''
      : ` (${formatShare(savedShare.lower)} to ${formatShare(savedShare.upper)})`;
  if (savedUsd.upper < 0) {
    return [
      {
        title: 'Saved',
        text: `Nothing. This cost ${formatUsd(actualUsd)}, ${formatRange(negated(savedUsd))} more than Claude alone would have (${formatRange(allClaudeUsd)}). ${basisText(savings)}`,
      },
    ];
  }
  return [
    {
      title: 'Saved',
      text: `${formatRange(savedUsd)}${share}: Claude alone would have cost ${formatRange(allClaudeUsd)}, this cost ${formatUsd(actualUsd)}. ${basisText(savings)}`,
    },
  ];
}

function machineLines(machine: Machine): Part[] {
  const { name, usdPerHour, usd, busyShare, utilisation, usdPerMTok, usdPerMTokAtFullLoad } =
    machine;
  const used =
    utilisation === null
      ? `at work ${formatShare(busyShare)} of the time`
      : `used to ${formatShare(utilisation)} of its ${formatUsd(usdPerMTokAtFullLoad)} a million at full load`;
  const claude =
    machine.claudeUsdPerMTok === null
      ? ''
      : ` Claude: ${formatUsd(machine.claudeUsdPerMTok)}; cheaper than that from ${machine.breakEvenMTokPerMonth?.toFixed(1) ?? '–'} million output tokens a month on${
          machine.breakEvenUtilisation === null
            ? ''
            : `, ${formatShare(machine.breakEvenUtilisation)} of what it can write${machine.breakEvenUtilisation > 1 ? ': never' : ''}`
        }.`;
  return [
    {
      title: name.slice(0, 11),
      text: `${formatUsd(usdPerHour)} an hour, ${formatUsd(usd)} for this time; ${used}; a million output tokens cost ${formatUsd(usdPerMTok)}.${claude}`,
    },
  ];
}

/** When an investment is earned back, in a sentence. */
export function roiText(roi: Roi): string {
  const { investmentUsd, savedPerMonthUsd, breakEvenMonths, ...returned } = roi;
  const { soonest, estimate, latest } = breakEvenMonths;
  if (savedPerMonthUsd.upper <= 0) {
    return `${formatUsd(investmentUsd)} are not earned back at this pace: nothing is saved, a month costs ${formatRange(negated(savedPerMonthUsd))} more than Claude alone would.`;
  }
  const back = `${formatUsd(investmentUsd)} are earned back in ${months(estimate)} (${months(soonest)} to ${months(latest)}).`;
  const shares = ({ lower, upper }: Interval): string =>
    `${formatShare(lower)} to ${formatShare(upper)}`;
  return `${back} At this pace ${formatRange(savedPerMonthUsd)} are saved a month; the return is ${shares(returned.returnAfter12Months)} after 12 months, ${shares(returned.returnAfter36Months)} after 36.`;
}

function months(count: number | null): string {
  return count === null ? 'never' : `${count.toFixed(1)} months`;
}

/** How a budget stands, in a few sentences. */
export function budgetText(budget: Budget): string {
  const { limitUsd, unit, period, spentUsd, share, forecastUsd, over, alerts, unpriced } = budget;
  const forecast =
    forecastUsd === null
      ? ' Less than three whole days to go by: no forecast.'
      : ` Forecast for its end: ${formatUsd(forecastUsd.estimate)} (${formatRange(forecastUsd)}).`;
  const last = over ? undefined : alerts.at(-1);
  const alert =
    last === undefined
      ? ''
      : ` Alert: ${last === 'forecast' ? 'the forecast is over the budget' : `${last} are reached`}.`;
  return `${over ? 'OVER: ' : ''}${formatUsd(spentUsd)} of ${formatUsd(limitUsd)} a ${unit} are billed in ${period}, ${formatShare(share)}.${forecast}${alert}${unpriced > 0 ? ` ${unpriced} attempts have no known price: it is more.` : ''}`;
}
