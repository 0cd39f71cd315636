import { NONE, oneLine } from '../../../../quality/reports/format.ts';
import type {
  Dimension,
  Figures,
  Interval,
  ReportRow,
  Savings,
} from '../../../../ledger/report/result.ts';

const dollars = (digits: number): Intl.NumberFormat =>
  new Intl.NumberFormat('en-US', {
    style: 'currency',
    currency: 'USD',
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
const CENTS = dollars(2);
const FINE = dollars(4);
const WHOLE = new Intl.NumberFormat('en-US');
const UNITS = [
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
] as const;

/** Dollars to the cent; what is less than a dollar to four decimals, and what these do not show is told from nothing. */
export function formatUsd(usd: number | null): string {
  if (usd === null) return NONE;
  if (usd !== 0 && Math.abs(usd) < 0.000_05) return usd > 0 ? '<$0.0001' : '>-$0.0001';
  const text = Math.abs(usd) < 1 && usd !== 0 ? FINE.format(usd) : CENTS.format(usd);
  return text.replace('-', '−');
}

/** What was billed; what nobody knows is told, and never as nothing. */
export function formatBilled({ usd, unpriced, attempts }: Figures): string {
  if (unpriced === 0) return formatUsd(usd);
  return unpriced === attempts ? 'unknown' : `${formatUsd(usd)} + ?`;
}

/** `1,234,567`. */
export function formatCount(count: number): string {
  return WHOLE.format(Math.round(count));
}

/** `1.23M`, three digits that count. */
export function formatShort(count: number): string {
  for (const [size, unit] of UNITS) {
    if (count >= size * 0.9995) return `${Number((count / size).toPrecision(3))}${unit}`;
  }
  return String(Math.round(count));
}

/** `61 %`; less than one with a decimal. */
export function formatShare(share: number | null): string {
  if (share === null) return NONE;
  const percent = share * 100;
  const text = Math.abs(percent) < 10 ? percent.toFixed(1) : percent.toFixed(0);
  return `${text.replace('-', '−').replace(/\.0$/, '')} %`;
}

/** `$12.00 to $30.00`; one amount where the ends are the same. */
export function formatRange({ lower, upper }: Interval): string {
  const [low, high] = [formatUsd(lower), formatUsd(upper)];
  return low === high ? low : `${low} to ${high}`;
}

/** A loss for a saving. */
export function negated({ lower, estimate, upper }: Interval): Interval {
  return { lower: -upper, estimate: -estimate, upper: -lower };
}

/** What a row is of; what nobody said is told as that. */
export function partOf(row: ReportRow, dimension: Dimension): string {
  const part = row.key[dimension] ?? '';
  return part === '' ? '(none)' : oneLine(part);
}

/** Where the ratio of a saving comes from, in a sentence. */
export function basisText(savings: Extract<Savings, { state: 'estimated' }>): string {
  const { basis, pairs, ratio, reference } = savings;
  const times = `${ratio.lower.toFixed(2)} to ${ratio.upper.toFixed(2)} times`;
  switch (basis) {
    case 'shadow':
      return `Calibrated on ${pairs} prompts that a local model and Claude both answered (shadow): Claude bills ${times} what the local tokens would cost at the price of ${reference}.`;
    case 'baseline':
      return `No shadow pairs: calibrated on ${pairs} tasks of baselines that a local model and Claude both answered. Claude bills ${times} what the local tokens would cost at the price of ${reference}.`;
    case 'assumed':
      return `Not calibrated: there are no prompts that a local model and Claude both answered. Local tokens are not Claude's; it is assumed, not measured, that Claude bills ${times} what they would cost at the price of ${reference}. Shadow traffic (aqe-llm rollout) or a baseline against Claude measures it.`;
  }
}
