import type { CostReport, Figures } from '../../../../ledger/report/result.ts';

const FIGURES = [
  'attempts',
  'ok',
  'failed',
  'cancelled',
  'unpriced',
  'inputTokens',
  'cacheReadTokens',
  'cacheWriteTokens',
  'cacheWriteHourTokens',
  'outputTokens',
  'reasoningTokens',
  'usd',
  'hardwareUsd',
  'busySeconds',
] as const satisfies readonly (keyof Figures)[];

/** A row of figures for each row of the report, under the names that JSON has; what is not known is empty. */
export function toCsv(report: CostReport): string {
  const { by } = report;
  return csvOf([
    [...by, ...FIGURES],
    ...report.rows.map((row) => [
      ...by.map((dimension) => row.key[dimension] ?? ''),
      ...FIGURES.map((figure) => row[figure]),
    ]),
  ]);
}

/** Lines as RFC 4180 has them; text is made harmless for spreadsheets. */
export function csvOf(rows: readonly (readonly (string | number | null)[])[]): string {
  return rows.map((row) => `${row.map(cellOf).join(',')}\r\n`).join('');
}

function cellOf(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return numberOf(value);
  const text = isFormula(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A spreadsheet would run what begins so; the names of agents and sessions come from outside. */
function isFormula(text: string): boolean {
  return /^[=+\-@\t\r]/.test(text);
}

/** Without an exponent, which not every reader takes. */
function numberOf(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return value.toFixed(12).replace(/0+$/, '').replace(/\.$/, '');
}
