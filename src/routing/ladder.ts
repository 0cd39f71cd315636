import { createAbort } from '../core/abort.ts';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { CompletionRequest } from '../core/request.ts';
import { failureClassOf, ProviderFailure, traitsOf } from '../providers/failure.ts';
import type { StreamEvent } from '../providers/provider.ts';
import type { AttemptListener, ResilientProvider } from './attempt.ts';
import { cancelledFailure } from './call.ts';
import type { Rung } from './decision.ts';

/** What is asked of a rung: of whom, and what. */
export interface RungCall {
  provider: ResilientProvider;
  request: CompletionRequest;
}

export interface ClimbOptions {
  ladder: readonly Rung[];
  /** Opens a rung. What it throws counts as the rung's failure. */
  open: (rung: Rung) => Promise<RungCall>;
  /** Whether a rung may be asked now: one for emergencies only while there is one. */
  mayTake: (rung: Rung) => boolean;
  /** A rung is asked. */
  onTaken: (rung: Rung) => void;
  /** The listener for the attempts at a rung. */
  listen: (rung: Rung) => AttemptListener;
  /** Nobody sees the answer before it is whole, so that it may still break off and come from elsewhere. */
  buffered: boolean;
  /** Milliseconds to the first token after which the next rung is asked instead. */
  failoverMs: number;
  /** Milliseconds after which the next rung is asked beside the first; never when absent. */
  hedgeMs?: number | undefined;
  /** The caller's. */
  signal: AbortSignal;
  session?: string | undefined;
  clock: Clock;
}

export type ClimbEvent =
  /** The answer comes from this rung. With `buffered`, the last one of these holds. */
  { type: 'committed'; rung: Rung } | StreamEvent;

/** Milliseconds that calls which were cancelled have to say what they used. */
const LINGER_MS = 1000;
/** An end without a reason of its own would make one, with a stack, for each request. */
const OVER = new Error('Nobody waits any more.');

/** What a rung gives: events of its answer, or only that a token is there while the answer is held back. */
type Sign = StreamEvent | { type: 'token' };

/** A rung that is being asked. */
interface Runner {
  readonly rung: Rung;
  readonly startedAt: number;
  /** What it gives next. */
  step(): Promise<Step>;
  /** Asks for the step after. */
  advance(): void;
  abort(reason?: ProviderFailure): void;
  /** Resolves when it has nothing more to give, and so when its attempts are reported. */
  drain(): Promise<void>;
}

type Step = { runner: Runner } & (
  | { state: 'sign'; sign: Sign }
  | { state: 'over' }
  | { state: 'failed'; error: unknown }
);
/** No token yet: it is time for a second target beside the first, or in its place. */
type Alarm = { state: 'hedge' | 'late' };

/**
 * Walks down the rungs until one answers. A rung that fails gives way to the next where its failure
 * lets another one answer and the caller has nothing yet; one without a first token in time gives
 * way too, unless it is the last. Throws the last failure when no rung is left. A target that has
 * failed is not asked again under the name of another tier.
 */
export async function* climb(options: ClimbOptions): AsyncGenerator<ClimbEvent> {
  const { ladder, mayTake, onTaken, buffered, failoverMs, hedgeMs, signal, clock } = options;
  let waiting = [...ladder];
  let running: Runner[] = [];
  const dropped: Promise<void>[] = [];
  let lastFailure: unknown;

  const abort = (): void => {
    for (const runner of running) runner.abort();
  };
  signal.addEventListener('abort', abort, { once: true });

  const nextRung = (): Rung | undefined => waiting.find(mayTake);

  function take(rung: Rung): void {
    waiting = waiting.filter(({ spec }) => spec !== rung.spec);
    onTaken(rung);
    running.push(startRunner(rung, options));
  }

  function drop(runner: Runner, reason?: ProviderFailure): void {
    running = running.filter((it) => it !== runner);
    runner.abort(reason);
    dropped.push(runner.drain());
  }

  /** Throws where nobody else can help. */
  function giveWay(step: Exclude<Step, { state: 'sign' }>): void {
    running = running.filter((it) => it !== step.runner);
    const error = step.state === 'failed' ? step.error : new Error('A stream had no end.');
    const failure = failureClassOf(error);
    if (failure === undefined || !traitsOf(failure).mayFailOver) throw error;
    lastFailure = error;
  }

  /** What the runners give first, or an alarm where somebody else could be asked. */
  async function nextStep(): Promise<Step | Alarm> {
    const [first] = running;
    const steps = running.map((runner) => runner.step());
    if (first === undefined || nextRung() === undefined) return Promise.race(steps);
    const hedge = running.length === 1 && hedgeMs !== undefined && hedgeMs < failoverMs;
    const due = first.startedAt + (hedge ? hedgeMs : failoverMs);
    const state = hedge ? 'hedge' : 'late';
    const over = createAbort();
    const alarm = clock
      .sleep(Math.max(0, due - clock.monotonic()), over.signal)
      .then((): Alarm => ({ state }));
    // Where a runner was first, nobody hears how the alarm ends.
    alarm.catch(() => {});
    try {
      return await Promise.race([...steps, alarm]);
    } finally {
      over.abort(OVER);
    }
  }

  function onAlarm({ state }: Alarm): void {
    const [first] = running;
    if (state === 'late' && first !== undefined) {
      const failure = lateFailure(first.rung, failoverMs);
      lastFailure = failure;
      drop(first, failure);
    }
    const rung = nextRung();
    if (rung !== undefined && running.length < 2) take(rung);
  }

  /** The first sign of an answer. */
  async function begin(): Promise<Extract<Step, { state: 'sign' }>> {
    while (true) {
      if (running.length === 0) {
        if (signal.aborted) throw cancelledFailure();
        const rung = nextRung();
        if (rung === undefined) throw lastFailure ?? nobodyMay();
        take(rung);
      }
      const step = await nextStep();
      if (step.state === 'sign') return step;
      if ('runner' in step) giveWay(step);
      else onAlarm(step);
    }
  }

  try {
    while (true) {
      let step: Step = await begin();
      const { runner } = step;
      for (const other of running) if (other !== runner) drop(other);
      if (!isCancelled(step)) yield { type: 'committed', rung: runner.rung };
      while (step.state === 'sign') {
        const { sign } = step;
        runner.advance();
        if (sign.type === 'finished') {
          // Its last step frees what the call holds.
          await runner.drain();
          running = [];
          yield sign;
          return;
        }
        if (sign.type !== 'token') yield sign;
        step = await runner.step();
      }
      if (!buffered && step.state === 'failed') throw step.error;
      giveWay(step);
    }
  } finally {
    signal.removeEventListener('abort', abort);
    for (const runner of running) drop(runner);
    if (dropped.length > 0) await within(LINGER_MS, Promise.all(dropped), clock);
  }
}

function startRunner(rung: Rung, options: ClimbOptions): Runner {
  const controller = createAbort();
  if (options.signal.aborted) controller.abort();
  const signs = askRung(rung, controller.signal, options);
  let step: Promise<Step>;

  async function pull(): Promise<Step> {
    try {
      const next = await signs.next();
      return next.done === true
        ? { runner, state: 'over' }
        : { runner, state: 'sign', sign: next.value };
    } catch (error) {
      return { runner, state: 'failed', error };
    }
  }

  const runner: Runner = {
    rung,
    startedAt: options.clock.monotonic(),
    step: () => step,
    advance() {
      step = pull();
    },
    abort: (reason) => controller.abort(reason),
    async drain() {
      while ((await step).state === 'sign') step = pull();
    },
  };
  step = pull();
  return runner;
}

async function* askRung(
  rung: Rung,
  signal: AbortSignal,
  { open, listen, buffered, session }: ClimbOptions,
): AsyncGenerator<Sign> {
  const { provider, request } = await open(rung);
  const call = { signal, onAttempt: listen(rung), ...(session === undefined ? {} : { session }) };
  if (!buffered) {
    yield* provider.stream(request, call);
    return;
  }
  let onToken: () => void = () => {};
  const token = new Promise<Sign>((resolve) => {
    onToken = () => resolve({ type: 'token' });
  });
  const whole = provider
    .complete(request, { onToken, ...call })
    .then((completion): Sign => ({ type: 'finished', completion }));
  const sign = await Promise.race([token, whole]);
  yield sign;
  if (sign.type === 'token') yield await whole;
}

function isCancelled(step: Step): boolean {
  return (
    step.state === 'sign' &&
    step.sign.type === 'finished' &&
    step.sign.completion.finishReason === 'cancelled'
  );
}

function lateFailure({ spec }: Rung, ms: number): ProviderFailure {
  return new ProviderFailure('first-token-timeout', `${spec} gave no token within ${ms} ms.`);
}

function nobodyMay(): AppError {
  return new AppError('route.nobody', 'Nobody may be asked: the cloud is for emergencies only.', {
    hint: 'Set routing.cloud to ordinary, or give tiers.direct a model.',
  });
}

/** Waits for `work`, but not for longer than `ms`. */
async function within(ms: number, work: Promise<unknown>, clock: Clock): Promise<void> {
  const over = createAbort();
  await Promise.race([work, clock.sleep(ms, over.signal).catch(() => {})]);
  over.abort(OVER);
}
