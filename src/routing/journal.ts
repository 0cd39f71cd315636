import type { Clock } from '../core/clock.ts';
import type { Usage } from '../core/request.ts';
import type { Ending, NewRequest, Purpose, RecordedAttempt } from '../ledger/ledger.ts';
import type { Recorder } from '../ledger/recorder.ts';
import type { EndedRequest, RequestTelemetry, Telemetry } from '../telemetry/telemetry.ts';
import type { AttemptListener, AttemptReport } from './attempt.ts';
import type { Rung, Target } from './decision.ts';
import type { TargetPool } from './target-pool.ts';

export interface JournalOptions {
  recorder: Recorder;
  telemetry: Telemetry;
  pool: Pick<TargetPool, 'attemptStarted' | 'attemptEnded' | 'chargeOf'>;
  clock: Clock;
  /** Told of what could not be written after something was sent. */
  onTrouble: (error: unknown) => void;
}

/** How a request ended. */
export interface Outcome {
  state: Ending['state'];
  /** Who answered, or was to answer. */
  answeredBy?: Rung | undefined;
  failure?: string | undefined;
  /** Milliseconds from the request to its first token. */
  ttftMs?: number | undefined;
  usage?: Usage | undefined;
}

/** What it took. */
export interface Account {
  attempts: number;
  /** Of all attempts; absent where one has no known price or is still being cancelled. */
  usd?: number;
  totalMs: number;
  /** Milliseconds of `totalMs` that no target was at work. */
  overheadMs: number;
}

/** What is written of one request: before anything is sent, for each attempt, and at the end. */
export interface Journal {
  /** How many attempts have begun; of shadows the answer knows nothing. */
  attempts(): number;
  /** A target gets ready, as by loading its model: it is at work until the returned function is called. */
  working(): () => void;
  /**
   * For the attempts at a rung. Without a purpose the first is for the answer, and every later one a
   * retry. A shadow may end after its request; neither its time nor its price is the answer's. Each
   * attempt is told to `tap` once it has ended.
   */
  listen(rung: Rung, purpose?: Purpose, tap?: (attempt: RecordedAttempt) => void): AttemptListener;
  /** The attempts that ended before the request did. */
  tried(): readonly RecordedAttempt[];
  /** Once. Resolves when it is written; what cannot be written is told as trouble: the answer is there. */
  end(outcome: Outcome): Promise<Account>;
}

/**
 * Begins the record of a request that came in at `startedAt` (monotonic).
 * @throws AppError `storage.*` where it cannot be written: nothing may be sent then
 */
export async function openJournal(
  options: JournalOptions,
  request: NewRequest,
  startedAt: number,
): Promise<Journal> {
  const { recorder, pool, clock, onTrouble } = options;
  await recorder.begin(request);
  const telemetry = startTelemetry(options.telemetry, request);
  const finished: (RecordedAttempt & { number: number })[] = [];
  let begun = 0;
  let shadows = 0;
  let asked = false;
  let ended = false;
  let atWork = 0;
  let workedMs = 0;
  let since = 0;

  function workUntil(now: number): number {
    return workedMs + (atWork > 0 ? now - since : 0);
  }

  function working(): () => void {
    if (atWork === 0) since = clock.monotonic();
    atWork += 1;
    return () => {
      workedMs = workUntil(clock.monotonic());
      since = clock.monotonic();
      atWork -= 1;
    };
  }

  return {
    working,
    attempts: () => begun - shadows,
    tried: () => finished,
    listen: (rung, given, tap) => () => {
      const purpose = given ?? (asked ? 'retry' : 'answer');
      const isShadow = purpose === 'shadow';
      const number = begun;
      begun += 1;
      if (isShadow) shadows += 1;
      else asked = true;
      const done = isShadow ? () => {} : working();
      pool.attemptStarted(rung.spec);
      const span = telemetry.attemptStarted({ tier: rung.tier, target: rung.spec });
      return (report) => {
        done();
        pool.attemptEnded(rung.spec, report);
        const attempt = { purpose, ...recordOfAttempt(pool, rung, report) };
        span.ended(attempt);
        tap?.(attempt);
        if (ended) recorder.attempt(request.id, number, attempt).catch(onTrouble);
        else finished.push({ number, ...attempt });
      };
    },
    async end({ state, answeredBy, failure, ttftMs, usage }) {
      const now = clock.monotonic();
      const totalMs = now - startedAt;
      const overheadMs = Math.max(0, totalMs - workUntil(now));
      const own = finished.filter(({ purpose }) => purpose !== 'shadow');
      const usd = own.length === begun - shadows ? sumOf(own) : undefined;
      const answered =
        answeredBy === undefined
          ? {}
          : { answeredTier: answeredBy.tier, answeredTarget: answeredBy.spec };
      ended = true;
      const told: Ending = {
        state,
        totalMs,
        overheadMs,
        ...answered,
        ...(failure === undefined ? {} : { failure }),
        ...(ttftMs === undefined ? {} : { ttftMs }),
      };
      const written = recorder.end(request.id, told, finished);
      const { category, complexity, policy, tier, target } = request;
      const ending: EndedRequest = {
        state,
        totalMs,
        overheadMs,
        failure,
        ttftMs,
        usage,
        usd,
        category,
        complexity,
        policy,
        tier: answeredBy?.tier ?? tier,
        target: answeredBy?.spec ?? target,
      };
      telemetry.ended(ending);
      await written.catch(onTrouble);
      return {
        attempts: begun - shadows,
        totalMs,
        overheadMs,
        ...(usd === undefined ? {} : { usd }),
      };
    },
  };
}

/** What the ledger keeps of an attempt at a target. */
export function recordOfAttempt(
  pool: Pick<TargetPool, 'chargeOf'>,
  target: Pick<Target, 'spec' | 'tier'>,
  report: AttemptReport,
): Omit<RecordedAttempt, 'purpose'> {
  return {
    at: report.startedAt,
    tier: target.tier,
    target: target.spec,
    batch: false,
    outcome: report.outcome,
    ...(report.usage === undefined ? {} : { usage: report.usage }),
    ...(report.ttftMs === undefined ? {} : { ttftMs: report.ttftMs }),
    totalMs: report.totalMs,
    ...pool.chargeOf(target, report),
  };
}

function startTelemetry(telemetry: Telemetry, request: NewRequest): RequestTelemetry {
  return telemetry.requestStarted({
    requestId: request.id,
    source: request.source,
    agent: request.agent,
    private: request.private,
    session: request.session !== undefined,
  });
}

function sumOf(attempts: readonly RecordedAttempt[]): number | undefined {
  let total = 0;
  for (const { usd } of attempts) {
    if (usd === undefined) return undefined;
    total += usd;
  }
  return total;
}
