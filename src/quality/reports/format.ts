import { RULE } from '../verdict.ts';

/** Printed where there is no value; a missing value is never shown as 0. */
export const NONE = '–';

type Maybe = number | null | undefined;

function known(value: Maybe): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

/** A score of 0–10 with one decimal. */
export function formatScore(score: Maybe): string {
  return known(score) ? score.toFixed(1) : NONE;
}

/** A mean of scores, 0–10, with two decimals. */
export function formatMean(mean: Maybe): string {
  return known(mean) ? mean.toFixed(2) : NONE;
}

/** The difference of two scores as they are shown, with its sign, so that a row adds up. */
export function formatDifference(score: Maybe, reference: Maybe): string {
  if (!known(score) || !known(reference)) return NONE;
  const tenths = Math.round(Number(score.toFixed(1)) * 10 - Number(reference.toFixed(1)) * 10);
  const sign = tenths < 0 ? '−' : tenths > 0 ? '+' : '';
  return `${sign}${(Math.abs(tenths) / 10).toFixed(1)}`;
}

/**
 * A ratio with three decimals. It is not rounded up onto a threshold of the verdict: 0.8996 must not
 * read as the 0.900 that it failed to reach.
 */
export function formatRatio(ratio: Maybe): string {
  if (!known(ratio)) return NONE;
  const rounded = ratio.toFixed(3);
  const flatters = [RULE.marginal, RULE.pass].some(
    (threshold) => ratio < threshold && Number(rounded) >= threshold,
  );
  return flatters ? (Math.floor(ratio * 1000) / 1000).toFixed(3) : rounded;
}

/** Points of a part of the score: whole where they are, else one decimal. */
export function formatPoints(points: Maybe): string {
  if (!known(points)) return NONE;
  const text = points.toFixed(1);
  return text.endsWith('.0') ? text.slice(0, -2) : text;
}

/** A share of 0–1 as a whole percentage. */
export function formatPercent(share: Maybe): string {
  return known(share) ? `${Math.round(share * 100)} %` : NONE;
}

/** A count, or a number to one decimal where it is a rate. */
export function formatRate(rate: Maybe): string {
  return known(rate) ? rate.toFixed(1) : NONE;
}

/** Milliseconds in the unit a reader would choose: `840 ms`, `12.3 s`, `2 min 05 s`. */
export function formatMs(milliseconds: Maybe): string {
  if (!known(milliseconds)) return NONE;
  if (Math.round(milliseconds) < 1000) return `${Math.round(milliseconds)} ms`;
  const tenths = Math.round(milliseconds / 100);
  if (tenths < 600) return `${(tenths / 10).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
}

/** US dollars; small sums keep their digits: `$0.0123`. */
export function formatUsd(usd: Maybe): string {
  if (!known(usd)) return NONE;
  return `$${usd.toFixed(usd !== 0 && Math.abs(usd) < 1 ? 4 : 2)}`;
}

/** `passed/total`, or nothing known. */
export function formatTally(tally: { done: number; total: number } | null): string {
  return tally === null ? NONE : `${tally.done}/${tally.total}`;
}

/** `1 task`, `2 tasks`. */
export function plural(count: number, noun: string, many = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : many}`;
}

/** At most `length` characters, the last of them an ellipsis where something was cut. */
export function clip(text: string, length: number): string {
  if (text.length <= length) return text;
  return `${text.slice(0, Math.max(0, length - 1)).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

// Cc but tab and newline, lone surrogates, the non-characters of the BMP, and the marks that
// reorder text, which can make code read as something it is not.
const UNPRINTABLE =
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u200E\u200F\u202A-\u202E\u2066-\u2069\uFFFE\uFFFF]|\p{Cs}/gu;

/** Text without characters that drive terminals, break XML or reorder a line; each shows as U+FFFD. */
export function printable(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(UNPRINTABLE, '\uFFFD');
}

/** `printable` on one line. */
export function oneLine(text: string): string {
  return printable(text).replace(/\s+/gu, ' ').trim();
}

/** The borders of a table without any, as cli-table3 wants them. */
export const NO_BORDERS = Object.fromEntries(
  ['top', 'bottom', 'left', 'right', 'mid', 'middle']
    .flatMap((side) => [side, `${side}-mid`, `${side}-left`, `${side}-right`])
    .map((name) => [name, '']),
);
