import { setMaxListeners } from 'node:events';
import type { Config } from '../config/schema.ts';
import { createAbort } from '../core/abort.ts';
import type { Clock } from '../core/clock.ts';
import { AppError, messageOf } from '../core/errors.ts';
import type { RandomIndex } from '../core/random.ts';
import type { Completion } from '../core/request.ts';
import type { Recorder } from '../ledger/recorder.ts';
import { failureClassOf, ProviderFailure } from '../providers/failure.ts';
import type { CallOptions } from '../providers/provider.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { BreakerChange } from './circuit-breaker.ts';
import { decide, emergencyTrigger } from './decide.ts';
import type {
  Decision,
  Description,
  EmergencyTrigger,
  Neighbour,
  RouteRequest,
  Rung,
  Tier,
} from './decision.ts';
import { describe } from './describe.ts';
import { embedTexts } from './embed.ts';
import { completionRequest, newRequestId, recordOf } from './intake.ts';
import { openJournal, type Account, type Journal, type Outcome } from './journal.ts';
import { climb, type RungCall } from './ladder.ts';
import type { RoutableModel, RouteAnswer, RouteEvent, Router } from './router.ts';
import type { Sessions, SessionTurn } from './sessions.ts';
import type { TargetPool } from './target-pool.ts';

/** What operators want to hear of. */
export type RouterEvent =
  /** The cloud is asked although it is for emergencies only. */
  | { type: 'emergency'; requestId: string; trigger: EmergencyTrigger; target: string }
  | { type: 'breaker'; change: BreakerChange }
  /** Something failed without a caller being worse off. */
  | { type: 'trouble'; message: string };

/** A request that has its answer. */
export interface Walked {
  requestId: string;
  request: RouteRequest;
  decision: Decision;
  /** Who answered. */
  rung: Rung;
  completion: Completion;
}

/** Steps of the walk that other rooms fill; a walk without them is whole. */
export interface WalkFaces {
  /** Remembered requests like this one. What it throws is told as trouble. */
  recall?: (request: RouteRequest, description: Description) => Promise<readonly Neighbour[]>;
  /** The tier that a rollout gives the request to. */
  rollout?: (request: RouteRequest, description: Description) => Tier | undefined;
  /** Makes a whole answer of the orchestrated tier better, or gives it back. What it throws is told as trouble. */
  refine?: (walked: Walked) => Promise<Completion>;
  /** Takes note of an outcome after it is recorded. What it throws is told as trouble. */
  learn?: (walked: Walked) => void;
}

export interface RouterOptions {
  settings: Config['routing'];
  pool: TargetPool;
  /** Closed with the router. */
  recorder: Recorder;
  sessions: Sessions;
  telemetry: Telemetry;
  clock: Clock;
  /** For request ids, and for the seeds of requests that name none. */
  random: RandomIndex;
  onEvent: (event: RouterEvent) => void;
  /** Milliseconds that `close` waits for what runs before it is cancelled. */
  closeMs: number;
  faces?: WalkFaces;
}

/** How a caller wants its answer: as it comes, or whole. */
interface Way extends CallOptions {
  buffered: boolean;
}

/** A request on its way. */
interface Step {
  id: string;
  request: RouteRequest;
  decision: Decision;
  turn: SessionTurn | undefined;
  journal: Journal;
  startedAt: number;
  buffered: boolean;
  signal: AbortSignal;
}

/** One request, told as a walk: docs/routing.md. What it throws is in router.ts. */
export function createRouter(options: RouterOptions): Router {
  const { settings, pool, recorder, sessions, telemetry, clock, random, onEvent } = options;
  const faces = options.faces ?? {};
  const running = new Set<Promise<void>>();
  const closing = createAbort();
  // As many requests as there are listen to it.
  setMaxListeners(0, closing.signal);
  let closed: Promise<void> | undefined;

  const onTrouble = (error: unknown): void =>
    onEvent({ type: 'trouble', message: messageOf(error) });
  const journalOptions = { recorder, telemetry, pool, clock, onTrouble };

  async function recall(
    request: RouteRequest,
    description: Description,
  ): Promise<readonly Neighbour[]> {
    try {
      return (await faces.recall?.(request, description)) ?? [];
    } catch (error) {
      onTrouble(error);
      return [];
    }
  }

  async function decideOn(request: RouteRequest): Promise<Decision> {
    await pool.targets();
    const description = describe(request);
    const neighbours = await recall(request, description);
    const targets = pool.states(description);
    const { rollout } = faces;
    const input = { request, description, targets, settings, neighbours };
    return decide(rollout === undefined ? input : { ...input, rollout });
  }

  /** The last wall, whatever was decided. */
  function holdWall(request: RouteRequest, rung: Rung): void {
    const isWalled = request.private === true || settings.strategy === 'privacy-first';
    if (!isWalled || (rung.maySeePrivate && rung.tier !== 'cloud')) return;
    throw new AppError('route.private', `A private prompt was about to be sent to ${rung.spec}.`, {
      hint: 'Nothing was sent. This is a mistake of the program; please report it.',
    });
  }

  function triggerNow({ description }: Decision): EmergencyTrigger | undefined {
    return emergencyTrigger(pool.states(description), pool.localFailures(), settings);
  }

  function raiseEmergency(requestId: string, rung: Rung, decision: Decision): void {
    const trigger = rung.emergencyOnly === true ? triggerNow(decision) : undefined;
    if (trigger === undefined) return;
    const target = rung.spec;
    telemetry.emergency(trigger, target);
    onEvent({ type: 'emergency', requestId, trigger, target });
    const detail = { trigger, target };
    recorder.event({ at: clock.now(), kind: 'emergency', requestId, detail }).catch(onTrouble);
  }

  /** The better answer, where somebody makes answers better. */
  async function refine(walked: Walked): Promise<Completion> {
    if (faces.refine === undefined || walked.rung.tier !== 'orchestrated') return walked.completion;
    try {
      return await faces.refine(walked);
    } catch (error) {
      onTrouble(error);
      return walked.completion;
    }
  }

  function learn(walked: Walked): void {
    try {
      faces.learn?.(walked);
    } catch (error) {
      onTrouble(error);
    }
  }

  async function* walk(asked: RouteRequest, way: Way): AsyncGenerator<RouteEvent> {
    if (closed !== undefined) throw new AppError('route.closed', 'The router is closed.');
    let left: () => void = () => {};
    const here = new Promise<void>((resolve) => {
      left = resolve;
    });
    running.add(here);
    const startedAt = clock.monotonic();
    const at = clock.now();
    const { signal, release } = joinSignals(way.signal, closing.signal);
    let turn: SessionTurn | undefined;
    try {
      if (asked.session !== undefined) turn = await sessions.open(asked.session, signal);
      // What was private once is sent along with every later turn.
      const request = turn?.private === true ? { ...asked, private: true } : asked;
      const whole = await withHistory(request, turn);
      const decision = await decideOn(whole);
      const id = newRequestId(random);
      const journal = await openJournal(
        journalOptions,
        recordOf(id, at, whole, decision),
        startedAt,
      );
      const { buffered } = way;
      yield* answer({ id, request, decision, turn, journal, startedAt, buffered, signal });
    } finally {
      turn?.release();
      release();
      running.delete(here);
      left();
    }
  }

  async function* answer(step: Step): AsyncGenerator<RouteEvent> {
    const { id, request, decision, turn, journal, startedAt, buffered, signal } = step;
    const asked = completionRequest(request, settings, random);
    let rung: Rung = decision.ladder[0];
    let outcome: Outcome = { state: 'cancelled', failure: 'cancelled' };
    let account: Promise<Account> | undefined;
    let ttftMs: number | undefined;
    let dropped = 0;

    async function open(next: Rung): Promise<RungCall> {
      holdWall(request, next);
      const ready = journal.working();
      try {
        return await prepare(next);
      } finally {
        ready();
      }
    }

    async function prepare(next: Rung): Promise<RungCall> {
      const provider = await pool.open(next.spec);
      if (turn === undefined) return { provider, request: asked };
      const prompt = await turn.prompt(request.messages, {
        contextTokens: await pool.contextTokens(next.spec),
        maxTokens: asked.maxTokens,
        countTokens: (text) => provider.countTokens(text),
        ...(asked.tools === undefined ? {} : { tools: asked.tools }),
      });
      dropped = prompt.dropped;
      return { provider, request: { ...asked, messages: prompt.messages } };
    }

    /** Written once, whatever the way out. */
    const end = (): Promise<Account> => (account ??= journal.end(outcome));

    const answerOf = async (completion: Completion): Promise<RouteAnswer> => ({
      requestId: id,
      completion,
      tier: rung.tier,
      target: rung.spec,
      decision,
      dropped,
      ...(await end()),
    });

    async function conclude(completion: Completion): Promise<RouteAnswer> {
      const told = { answeredBy: rung, ttftMs, usage: completion.usage };
      if (completion.finishReason === 'cancelled') {
        outcome = { state: 'cancelled', failure: 'cancelled', ...told };
        return answerOf(completion);
      }
      const walked = { requestId: id, request, decision, rung, completion };
      const best = buffered ? await refine(walked) : completion;
      turn?.commit(request.messages, best, request.private);
      outcome = { state: 'answered', ...told };
      const answered = await answerOf(best);
      learn(best === completion ? walked : { ...walked, completion: best });
      return answered;
    }

    try {
      yield { type: 'decided', requestId: id, decision };
      const events = climb({
        ladder: decision.ladder,
        open,
        mayTake: (next) => next.emergencyOnly !== true || triggerNow(decision) !== undefined,
        onTaken: (next) => raiseEmergency(id, next, decision),
        listen: (next) => journal.listen(next),
        buffered,
        failoverMs: settings.failoverMs,
        hedgeMs: settings.hedgeMs,
        signal,
        session: request.session,
        clock,
      });
      for await (const event of events) {
        if (event.type === 'committed') {
          rung = event.rung;
          ttftMs = clock.monotonic() - startedAt;
          const attempts = journal.attempts();
          yield { type: 'committed', tier: rung.tier, target: rung.spec, attempts };
        } else if (event.type === 'finished') {
          yield { type: 'finished', answer: await conclude(event.completion) };
        } else {
          yield event;
        }
      }
    } catch (error) {
      outcome = { ...outcomeOf(error), ttftMs };
      if (outcome.state !== 'cancelled' || buffered || !signal.aborted) throw error;
      const answered = await answerOf(unanswered(rung, clock.monotonic() - startedAt));
      yield { type: 'finished', answer: answered };
    } finally {
      await end();
    }
  }

  return {
    async complete(request, callOptions = {}) {
      for await (const event of walk(request, { buffered: true, ...callOptions })) {
        if (event.type !== 'finished') continue;
        if (event.answer.completion.finishReason !== 'cancelled') return event.answer;
      }
      throw new ProviderFailure('cancelled', 'The request was cancelled.');
    },
    stream: (request, callOptions = {}) => walk(request, { buffered: false, ...callOptions }),
    async explain(request) {
      return decideOn(request);
    },
    async models({ ask } = {}) {
      const models = new Map<string, RoutableModel>();
      const targets = await pool.targets();
      if (ask !== undefined && targets.some(({ spec }) => spec === ask)) {
        await pool.concurrency(ask);
      }
      for (const { spec, tier } of targets) {
        const contextTokens = pool.knownContextTokens(spec);
        const concurrency = pool.knownConcurrency(spec);
        const model = {
          id: spec,
          tier,
          ...(contextTokens === undefined ? {} : { contextTokens }),
          ...(concurrency === undefined ? {} : { concurrency }),
        };
        if (!models.has(spec)) models.set(spec, model);
      }
      return [...models.values()];
    },
    embed: (texts, { model, signal } = {}) => embedTexts(pool, texts, { model, signal }),
    close() {
      closed ??= (async () => {
        const over = createAbort();
        const late = clock.sleep(options.closeMs, over.signal).then(
          () => closing.abort(),
          () => {},
        );
        await Promise.all(running);
        over.abort();
        await late;
        await pool.close();
        await recorder.close();
      })();
      return closed;
    },
  };
}

/** With the conversation that its session holds. */
async function withHistory(
  request: RouteRequest,
  turn: SessionTurn | undefined,
): Promise<RouteRequest> {
  if (turn === undefined) return request;
  const window = { contextTokens: undefined, maxTokens: 0, countTokens: async () => undefined };
  const { messages } = await turn.prompt(request.messages, window);
  return { ...request, messages };
}

function outcomeOf(error: unknown): Outcome {
  const failure = failureClassOf(error);
  if (failure === 'cancelled') return { state: 'cancelled', failure };
  if (failure !== undefined) return { state: 'failed', failure };
  return { state: 'failed', failure: error instanceof AppError ? error.code : 'internal' };
}

/** What a caller gets who left before anything came. */
function unanswered({ spec }: Rung, totalMs: number): Completion {
  const timing = { totalMs, measured: true };
  return { model: spec, text: '', finishReason: 'cancelled', usage: {}, timing };
}

/** Aborts with either, and lets go of both: one of them lives as long as the router. */
function joinSignals(
  caller: AbortSignal | undefined,
  closing: AbortSignal,
): { signal: AbortSignal; release: () => void } {
  const joined = createAbort();
  const signals = caller === undefined ? [closing] : [caller, closing];
  const abort = (): void => joined.abort();
  for (const signal of signals) {
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
  }
  return {
    signal: joined.signal,
    release: () => {
      for (const signal of signals) signal.removeEventListener('abort', abort);
    },
  };
}
