import { PRICE_VERSION, priceOf, usdOf } from '../../config/prices.ts';
import type { Clock } from '../../core/clock.ts';
import type { Usage } from '../../core/request.ts';
import type { Ledger, RecordedAttempt } from '../../ledger/ledger.ts';
import type { BatchOutcome as Answered } from '../../providers/anthropic/batches.ts';
import type { Decision } from '../decision.ts';
import { recordOf } from '../intake.ts';
import type { Router } from '../router.ts';
import { splitSpec } from '../targets.ts';
import type { SubmittedBatch } from './batch-file.ts';
import type { BatchGroup } from './groups.ts';
import { answerOf, type BatchOutcome } from './result.ts';

export interface Settling {
  ledger: Pick<Ledger, 'begin' | 'end' | 'find'>;
  router: Pick<Router, 'explain'>;
  clock: Clock;
}

/** What a request costs beside the same one asked at once. */
const PRICE_SHARE = 0.5;
const POLICY = 'batch.when-convenient';

/** The outcome of a request that waited at a provider, after its recording in the ledger, once. */
export async function settle(
  batch: SubmittedBatch,
  [{ request }]: BatchGroup,
  answered: Answered,
  { ledger, router, clock }: Settling,
): Promise<BatchOutcome> {
  const { target, at } = batch;
  const requestId = `${batch.id}-${answered.key}`;
  const attempt = attemptOf(batch, answered, clock.now() - at);
  // It was recorded already where a process was killed before it wrote the line.
  if (ledger.find(requestId) === undefined) {
    const decision = await router.explain({ ...request, source: 'batch' });
    const asked = { ...request, source: 'batch' } as const;
    ledger.begin({
      ...recordOf(requestId, at, asked, asWaiting(decision)),
      tier: 'cloud',
      target,
    });
    const ending =
      answered.state === 'answered'
        ? ({ state: 'answered', answeredTier: 'cloud', answeredTarget: target } as const)
        : ({ state: 'failed', failure: answered.failure.failure } as const);
    ledger.end(requestId, { ...ending, totalMs: attempt.totalMs, overheadMs: 0 }, [
      { number: 0, ...attempt },
    ]);
  }
  if (answered.state === 'failed') {
    const { code, message } = answered.failure;
    return { ok: false, error: { code, message } };
  }
  const { usd } = attempt;
  return { ok: true, answer: answerOf({ ...answered, requestId, tier: 'cloud', target, usd }) };
}

function attemptOf(
  { target, at }: SubmittedBatch,
  answered: Answered,
  totalMs: number,
): RecordedAttempt {
  const about = {
    at,
    purpose: 'answer',
    tier: 'cloud',
    target,
    selfHosted: false,
    batch: true,
    totalMs,
  } as const;
  if (answered.state === 'failed') {
    // What fails in a batch is not billed.
    return { ...about, outcome: answered.failure.failure, usd: 0, priceVersion: 'not-billed' };
  }
  const { usage } = answered.completion;
  const usd = priceInBatch(splitSpec(target).model, usage);
  const money = usd === undefined ? {} : { usd, priceVersion: PRICE_VERSION };
  return { ...about, outcome: 'ok', usage, ...money };
}

function priceInBatch(model: string, usage: Usage): number | undefined {
  const price = priceOf(model);
  const usd = price && usdOf(usage, price);
  return usd === undefined ? undefined : usd * PRICE_SHARE;
}

function asWaiting(decision: Decision): Decision {
  return {
    ...decision,
    policy: POLICY,
    narrowedBy: [...decision.narrowedBy, decision.policy],
    reasons: ['it may wait a day, at half the price', ...decision.reasons],
  };
}
