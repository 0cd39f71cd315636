import { AppError } from '../core/errors.ts';
import { tpotOf, type Sample } from './sample.ts';

/** What a request must keep to, all of it; milliseconds. */
export interface Slo {
  ttftMs?: number;
  tpotMs?: number;
  e2eMs?: number;
}

export type SloVerdict = 'met' | 'missed' | 'too-few';

/** The share of requests that must keep the objective. */
export const SLO_SHARE = 0.95;
/** From here on the observed share is the judgement. */
export const SLO_SAMPLES = 20;
const DOUBT = 0.05;

const LIMIT = /^(ttft|tpot|e2e)=(\d+(?:\.\d+)?)(ms|s)$/;

/**
 * Reads `ttft=2s,tpot=80ms,e2e=5s`.
 * @throws AppError `usage.slo`
 */
export function parseSlo(text: string): Slo {
  const slo: Slo = {};
  for (const part of text.split(',')) {
    const [, name, amount, unit] = LIMIT.exec(part.trim()) ?? [];
    if (name === undefined) {
      throw new AppError('usage.slo', `--slo does not understand "${part.trim()}".`, {
        hint: 'Write limits as in: --slo ttft=2s,tpot=80ms,e2e=5s',
      });
    }
    const milliseconds = Number(amount) * (unit === 's' ? 1000 : 1);
    if (name === 'ttft') slo.ttftMs = milliseconds;
    else if (name === 'tpot') slo.tpotMs = milliseconds;
    else slo.e2eMs = milliseconds;
  }
  return slo;
}

/** Whether one request kept the objective. A failed one did not, nor one whose measure is unknown. */
export function keeps(sample: Sample, slo: Slo): boolean {
  if (sample.state === 'failed') return false;
  const within = (value: number | null, limit: number | undefined): boolean =>
    limit === undefined || (value !== null && value <= limit);
  const single = sample.outputTokens !== null && sample.outputTokens < 2;
  return (
    within(sample.ttftMs, slo.ttftMs) &&
    within(sample.endedMs - sample.startedMs, slo.e2eMs) &&
    // A single token has no time to the next.
    (single || within(tpotOf(sample), slo.tpotMs))
  );
}

/**
 * Judges `good` of `total` requests against the share that must be good. Fewer than 20 requests can only
 * miss, and do when so few good ones would come less than once in twenty were the objective kept
 * (exact binomial test).
 */
export function judgeSlo(good: number, total: number): SloVerdict {
  if (total >= SLO_SAMPLES) return good / total >= SLO_SHARE ? 'met' : 'missed';
  return total > 0 && chanceOfAtMost(good, total, SLO_SHARE) < DOUBT ? 'missed' : 'too-few';
}

function chanceOfAtMost(good: number, total: number, share: number): number {
  let chance = (1 - share) ** total;
  let sum = chance;
  for (let k = 1; k <= good; k++) {
    chance *= ((total - k + 1) / k) * (share / (1 - share));
    sum += chance;
  }
  return sum;
}
