/** Headers as undici gives them (lower-case names), or as `Object.fromEntries(response.headers)`. */
export type HeaderRecord = Readonly<Record<string, string | readonly string[] | undefined>>;

const DAY_MS = 86_400_000;

/**
 * `retry-after-ms`, or `Retry-After` in seconds or as a date. A date is compared with the answer's
 * own `Date`, so that it holds however wrong either clock is; without one it says nothing.
 * @returns milliseconds, at most a day
 */
export function readRetryAfter(headers: HeaderRecord): number | undefined {
  const milliseconds = readNumber(headerOf(headers, 'retry-after-ms'));
  if (milliseconds !== undefined) return Math.min(milliseconds, DAY_MS);
  const value = headerOf(headers, 'retry-after');
  if (value === undefined) return undefined;
  const seconds = readNumber(value);
  if (seconds !== undefined) return Math.min(Math.ceil(seconds * 1000), DAY_MS);
  const wait = Date.parse(value) - Date.parse(headerOf(headers, 'date') ?? '');
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), DAY_MS);
}

function headerOf(headers: HeaderRecord, name: string): string | undefined {
  const found = Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  return typeof found === 'string' ? found : found?.[0];
}

function readNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : undefined;
}
