import type { Clock } from '../../core/clock.ts';
import type { Charges } from '../../ledger/charge.ts';
import type { Ledger, RecordedAttempt } from '../../ledger/ledger.ts';
import type { BatchOutcome as Answered } from '../../providers/anthropic/batches.ts';
import type { Decision } from '../decision.ts';
import { recordOf } from '../intake.ts';
import type { Router } from '../router.ts';
import type { SubmittedBatch } from './batch-file.ts';
import type { BatchGroup } from './groups.ts';
import { answerOf, type BatchOutcome } from './result.ts';

export interface Settling {
  ledger: Pick<Ledger, 'begin' | 'end' | 'find'>;
  router: Pick<Router, 'explain'>;
  clock: Clock;
  charges: Charges;
}

const POLICY = 'batch.when-convenient';

/** The outcome of a request that waited at a provider, after its recording in the ledger, once. */
export async function settle(
  batch: SubmittedBatch,
  [{ request }]: BatchGroup,
  answered: Answered,
  { ledger, router, clock, charges }: Settling,
): Promise<BatchOutcome> {
  const { target, at } = batch;
  const requestId = `${batch.id}-${answered.key}`;
  const attempt = attemptOf(batch, answered, clock.now() - at, charges);
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
  charges: Charges,
): RecordedAttempt {
  const about = {
    at,
    purpose: 'answer',
    tier: 'cloud',
    target,
    batch: true,
    totalMs,
    ...(answered.state === 'failed'
      ? { outcome: answered.failure.failure }
      : { outcome: 'ok', usage: answered.completion.usage }),
  } as const;
  return { ...about, ...charges.of(about) };
}

function asWaiting(decision: Decision): Decision {
  return {
    ...decision,
    policy: POLICY,
    narrowedBy: [...decision.narrowedBy, decision.policy],
    reasons: ['it may wait a day, at half the price', ...decision.reasons],
  };
}
