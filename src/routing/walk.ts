import { setMaxListeners } from 'node:events';
import type { Config } from '../config/schema.ts';
import { createAbort } from '../core/abort.ts';
import type { Clock } from '../core/clock.ts';
import { AppError, messageOf } from '../core/errors.ts';
import type { RandomIndex } from '../core/random.ts';
import type { Completion } from '../core/request.ts';
import type { Recorder } from '../ledger/recorder.ts';
import { ProviderFailure } from '../providers/failure.ts';
import type { CallOptions } from '../providers/provider.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { BreakerChange } from './circuit-breaker.ts';
import { decide, emergencyTrigger } from './decide.ts';
import {
  isMemory,
  type Assignment,
  type Decision,
  type Description,
  type EmergencyTrigger,
  type Remembered,
  type RouteRequest,
  type Rung,
} from './decision.ts';
import { answerFrom, withContext } from './from-memory.ts';
import { describe } from './describe.ts';
import { embedTexts } from './embed.ts';
import { completionRequest, newRequestId, recordOf } from './intake.ts';
import {
  openJournal,
  recordOfAttempt,
  type Account,
  type Journal,
  type Outcome,
} from './journal.ts';
import { climb, type RungCall } from './ladder.ts';
import type { RoutableModel, RouteAnswer, RouteEvent, Router } from './router.ts';
import type { Sessions, SessionTurn } from './sessions.ts';
import type { TargetPool } from './target-pool.ts';
import { joinSignals } from './walk/join-signals.ts';
import { besideOf, type RolloutFace } from './walk/rollout.ts';
import { outcomeOf, unanswered, withHistory } from './walk/ends.ts';

/** What operators want to hear of. */
export type RouterEvent =
  /** The cloud is asked although it is for emergencies only. */
  | { type: 'emergency'; requestId: string; trigger: EmergencyTrigger; target: string }
  | { type: 'breaker'; change: BreakerChange }
  /** A rollout went on or back without anybody asking. */
  | { type: 'rollout'; rollout: string; event: string; serve: number; why: string }
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
  remembered: Remembered;
}

/** A request for which memory is asked. */
export interface Asked {
  request: RouteRequest;
  description: Description;
  /** Absent where only the decision is asked for. */
  requestId?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** Steps of the walk that other rooms fill; a walk without them is whole. */
export interface WalkFaces {
  /** What memory has for a request. What it throws is told as trouble. */
  recall?: (asked: Asked) => Promise<Remembered>;
  /** Gives requests to the sides of a rollout, and hears how they ended. */
  rollout?: RolloutFace;
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

const NOTHING: Remembered = { neighbours: [] };

/** How a caller wants its answer: as it comes, or whole. */
interface Way extends CallOptions {
  buffered: boolean;
}

/** A request on its way. */
interface Step {
  id: string;
  request: RouteRequest;
  /** The request with the messages of its session. */
  whole: RouteRequest;
  decision: Decision;
  remembered: Remembered;
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

  async function recall(asked: Asked): Promise<Remembered> {
    try {
      return (await faces.recall?.(asked)) ?? NOTHING;
    } catch (error) {
      onTrouble(error);
      return NOTHING;
    }
  }

  function assign(
    request: RouteRequest,
    description: Description,
    requestId: string,
  ): Assignment | undefined {
    try {
      return faces.rollout?.assign(request, description, requestId);
    } catch (error) {
      onTrouble(error);
      return undefined;
    }
  }

  async function decideOn(
    request: RouteRequest,
    asking: Pick<Asked, 'requestId' | 'signal'> = {},
  ): Promise<{ decision: Decision; remembered: Remembered }> {
    await pool.targets();
    const description = describe(request);
    const remembered = await recall({ request, description, ...asking });
    const { neighbours, reuse } = remembered;
    const targets = pool.states(description);
    const rollout = assign(request, description, asking.requestId ?? newRequestId(random));
    const decision = decide({
      request,
      description,
      targets,
      settings,
      neighbours,
      ...(reuse === undefined ? {} : { reuse }),
      ...(rollout === undefined ? {} : { rollout }),
    });
    return { decision, remembered };
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
    const { rung } = walked;
    const isRefined = rung.tier === 'orchestrated' && !isMemory(rung);
    if (faces.refine === undefined || !isRefined) return walked.completion;
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
      const id = newRequestId(random);
      const { decision, remembered } = await decideOn(whole, { requestId: id, signal });
      const journal = await openJournal(
        journalOptions,
        recordOf(id, at, whole, decision),
        startedAt,
      );
      const { buffered } = way;
      const told = { id, request, whole, decision, remembered, turn, journal, startedAt };
      yield* answer({ ...told, buffered, signal });
    } finally {
      turn?.release();
      release();
      running.delete(here);
      left();
    }
  }

  async function* answer(step: Step): AsyncGenerator<RouteEvent> {
    const { id, request, whole, decision, remembered, turn, journal } = step;
    const { startedAt, buffered, signal } = step;
    const asked = completionRequest(request, settings, random);
    let rung: Rung = decision.ladder[0];
    let outcome: Outcome = { state: 'cancelled', failure: 'cancelled' };
    let account: Promise<Account> | undefined;
    let ttftMs: number | undefined;
    let dropped = 0;
    let given: Completion | undefined;

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
      if (turn === undefined) {
        // What this machine has learned stays on servers of its own.
        const { context } = next.tier === 'cloud' ? NOTHING : remembered;
        return { provider, request: withContext(asked, context) };
      }
      const prompt = await turn.prompt(request.messages, {
        contextTokens: await pool.contextTokens(next.spec),
        maxTokens: asked.maxTokens,
        countTokens: (text) => provider.countTokens(text),
        ...(asked.tools === undefined ? {} : { tools: asked.tools }),
      });
      dropped = prompt.dropped;
      return { provider, request: { ...asked, messages: prompt.messages } };
    }

    const beside = besideOf({
      journal,
      prepare: async (next) => {
        holdWall(request, next);
        const { context } = next.tier === 'cloud' ? NOTHING : remembered;
        const provider = await pool.open(next.spec);
        return { provider, request: withContext({ ...asked, messages: whole.messages }, context) };
      },
    });

    function tellRollout(): void {
      const { rollout } = decision;
      if (rollout === undefined) return;
      try {
        faces.rollout?.ended({
          requestId: id,
          request: whole,
          decision: { ...decision, rollout },
          ...(given === undefined ? {} : { completion: given }),
          attempts: journal.tried(),
          beside,
        });
      } catch (error) {
        onTrouble(error);
      }
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
      const walked = { requestId: id, request, decision, rung, completion, remembered };
      const best = buffered ? await refine(walked) : completion;
      turn?.commit(request.messages, best, request.private);
      outcome = { state: 'answered', ...told };
      given = best;
      const answered = await answerOf(best);
      learn(best === completion ? walked : { ...walked, completion: best });
      return answered;
    }

    try {
      yield { type: 'decided', requestId: id, decision };
      const { reuse } = remembered;
      const events =
        reuse !== undefined
          ? answerFrom(reuse, decision.ladder[0], startedAt, clock)
          : climb({
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
      tellRollout();
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
      return (await decideOn(request)).decision;
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
    embed: (texts, { model, signal, agent, session } = {}) =>
      embedTexts(pool, texts, {
        model,
        signal,
        listen: (target) => () => (report) => {
          // What cannot embed was not asked to.
          if (report.outcome === 'unsupported') return;
          const attempt = {
            id: newRequestId(random),
            purpose: 'embedding',
            ...recordOfAttempt(pool, { spec: target, tier: 'direct' }, report),
            ...(agent === undefined ? {} : { agent }),
            ...(session === undefined ? {} : { session }),
          } as const;
          recorder.alone(attempt).catch(onTrouble);
        },
      }),
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
