import type { BaselineReport } from '../result.ts';

// One order serves every object of the contract, since no two of them disagree on their common keys.
const ORDER: readonly string[] = `
  schema run id suite suiteHash seed repeats maxTokens temperature rubric shard index of taskIds
  thresholds startedAt sandbox versions verdict categories category threshold complexity cluster
  repeat mutator line original replacement boundary name points max state score error code message
  parts evidence extraction source blocks salvaged kept truncated looped parses typeErrors loadError
  tests statements branches covered total reference candidates uncoveredLines mutants boundaryClasses
  seen expected meanScore latencyMs p50 p95 p99 measured cached ttftMs tokensPerSecond
  scorePer1kOutputTokens costUsd outputTokens replayed answer errorRetries tasks compared candidateMean
  referenceMean ratio lower upper strict reasons power clusters method margin passChance trueRatio
  chance clustersForPass clustersForStrict
`
  .trim()
  .split(/\s+/);
const RANK = new Map(ORDER.map((key, index) => [key, index]));

/**
 * The report as one JSON object with its keys in the order of the contract, ending with a newline.
 * Keys that are not of the contract (names of versions) follow in alphabetical order.
 */
export function toJson(report: BaselineReport): string {
  return `${JSON.stringify(ordered(report), null, 2)}\n`;
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]): [string, unknown] => [
    key,
    ordered(inner),
  ]);
  return Object.fromEntries(entries.sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1)));
}

function rank(key: string): number {
  return RANK.get(key) ?? ORDER.length;
}
