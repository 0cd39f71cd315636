import type { Clock } from '../core/clock.ts';
import { AppError, ExitCode, type AppErrorOptions } from '../core/errors.ts';
import { assess, type Assessment } from './assess.ts';
import type { LogEntry, Rollout } from './log.ts';
import type { Plan } from './plan.ts';
import { readLog, readTallies } from './read.ts';
import { isEnded, transition, type RolloutEvent, type RolloutState } from './state.ts';
import type { RolloutStore } from './store.ts';
import type { Tallies } from './tallies.ts';

/** Who does something to a rollout, and why. */
export interface Asked {
  /** Name of the operator. */
  by: string;
  reason: string;
  /** Says what would be, and changes nothing. */
  dryRun: boolean;
}

export interface Done {
  rollout: string;
  /** Absent where the rollout begins. */
  before?: RolloutState;
  after: RolloutState;
  /** What was written, the oldest first; nothing in a dry run. */
  entries: LogEntry[];
  /** What it was judged by, where it needs evidence. */
  assessment?: Assessment;
}

export type Way =
  /** Everything in scope goes to the reference. */
  | { kind: 'immediate' }
  /** The candidate keeps at most 20 %, and is left alone sooner. */
  | { kind: 'partial' }
  /** Everything that may leave the machine goes to the reference, and nothing else is asked. */
  | { kind: 'complete' }
  | { kind: 'to'; serve: number };

/**
 * What operators do. Each method reads, judges and writes alone among all processes. Each throws
 * AppError `storage.*`, `rollout.log-edited`, `rollout.none`, `rollout.refused`.
 */
export interface RolloutControl {
  /** Begins with the plan, or the draft that there is. @throws AppError `rollout.running`, `rollout.clock`, `rollout.no-plan` */
  start(asked: Asked & { plan?: Plan; draft: boolean }): Done;
  /** @throws AppError `rollout.no-evidence`, `rollout.harm`, `rollout.rolled-back`, `rollout.clock` */
  advance(asked: Asked): Done;
  pause(asked: Asked): Done;
  /** @throws AppError `rollout.rolled-back`, `rollout.clock` */
  resume(asked: Asked): Done;
  rollback(asked: Asked & { way: Way }): Done;
  abort(asked: Asked): Done;
}

export interface ControlOptions {
  store: RolloutStore;
  clock: Pick<Clock, 'now'>;
  newId: () => string;
  /** For the salt of a new rollout's buckets. */
  newSalt: () => string;
  /** Observations of earlier rollouts are kept for so many days. */
  retentionDays: number;
}

const PARTIAL_SERVE = 20;
const DAY_MS = 86_400_000;

interface Known {
  rollout: Rollout | undefined;
  now: number;
}

export function createControl(options: ControlOptions): RolloutControl {
  const { store, clock } = options;

  /** The sound log. */
  function known(): Known {
    const log = readLog(store);
    if (log.state === 'broken') throw edited(log.problem);
    return { rollout: log.state === 'intact' ? log.rollout : undefined, now: clock.now() };
  }

  function running(): { rollout: Rollout; now: number } {
    const { rollout, now } = known();
    if (rollout === undefined) throw none();
    return { rollout, now };
  }

  /** @param when what may not happen while the clock stands before the log */
  function holdClock({ rollout, now }: Known, when: string): void {
    const last = rollout?.last;
    if (last === undefined || now >= last.at) return;
    const moment = (at: number): string => new Date(at).toISOString();
    throw new AppError(
      'rollout.clock',
      `The clock says ${moment(now)}, and entry ${last.seq} of the log was written at ${moment(last.at)}.`,
      {
        hint: `Set the clock right. Until then nothing is ${when}; pause, rollback and abort work.`,
      },
    );
  }

  interface Change extends Asked {
    events: readonly RolloutEvent[];
    evidence?: unknown;
    assessment?: Assessment;
  }

  function change({ rollout, now }: { rollout: Rollout; now: number }, what: Change): Done {
    const { by, reason, dryRun, events, evidence = null, assessment } = what;
    let { state } = rollout;
    const entries: LogEntry[] = [];
    const at = Math.max(now, rollout.last.at);
    for (const event of events) {
      const moved = transition(state, event, rollout.plan, reason);
      if ('refused' in moved) throw refused(moved.refused, rollout.state);
      state = moved.next;
      if (dryRun) continue;
      const actor = `operator:${by}`;
      entries.push(store.append({ rollout: rollout.id, at, actor, event, reason, evidence }));
    }
    return {
      rollout: rollout.id,
      before: rollout.state,
      after: state,
      entries,
      ...(assessment === undefined ? {} : { assessment }),
    };
  }

  function begin(plan: Plan, now: number, asked: Asked & { draft: boolean }): Done {
    const { by, reason, dryRun, draft } = asked;
    const id = options.newId();
    const salt = options.newSalt();
    const created = { type: 'created', plan, salt } as const;
    const event = { rollout: id, at: now, actor: `operator:${by}`, reason, evidence: null };
    const state: RolloutState = { state: 'draft' };
    const last: LogEntry = dryRun
      ? { seq: 0, event: created, ...event }
      : store.append({ event: created, ...event });
    if (!dryRun) store.forget(id, now - options.retentionDays * DAY_MS);
    const entries = dryRun ? [] : [last];
    if (draft) return { rollout: id, after: state, entries };
    const stage = { seq: last.seq, at: now };
    const rollout = { id, plan, salt, state, createdAt: now, stage, last };
    const done = change({ rollout, now }, { ...asked, events: [{ type: 'started' }] });
    return { rollout: id, after: done.after, entries: [...entries, ...done.entries] };
  }

  return {
    start: (asked) =>
      store.alone(() => {
        const { plan } = asked;
        const { rollout, now } = known();
        holdClock({ rollout, now }, 'started');
        const isDraft = rollout?.state.state === 'draft';
        if (rollout !== undefined && !isDraft && !isEnded(rollout.state)) throw twice(rollout);
        if (isDraft && plan !== undefined) throw twice(rollout);
        if (plan !== undefined) return begin(plan, now, asked);
        if (!isDraft) throw noPlan();
        return change({ rollout, now }, { ...asked, events: [{ type: 'started' }] });
      }),
    advance: (asked) =>
      store.alone(() => {
        const { rollout, now } = running();
        const { state, plan, stage } = rollout;
        if (state.state === 'rolled_back') throw rolledBack(rollout);
        // Refused for what it is before it is asked for evidence.
        const moved = transition(state, { type: 'advanced' }, plan, asked.reason);
        if ('refused' in moved || !('at' in state)) {
          throw refused('refused' in moved ? moved.refused : '', state);
        }
        holdClock({ rollout, now }, 'advanced');
        const tallies = readTallies(store, rollout);
        const assessment = assess(plan, state.at, tallies, { now, stageAt: stage.at });
        requireEvidence(assessment);
        const evidence = evidenceOf(assessment, tallies);
        const isLast = moved.next.state === 'completed';
        const reason = asked.reason === '' && isLast ? 'the last step held' : asked.reason;
        return change(
          { rollout, now },
          { ...asked, reason, events: [{ type: 'advanced' }], evidence, assessment },
        );
      }),
    pause: (asked) =>
      store.alone(() => change(running(), { ...asked, events: [{ type: 'paused' }] })),
    resume: (asked) =>
      store.alone(() => {
        const { rollout, now } = running();
        if (rollout.state.state === 'rolled_back') throw rolledBack(rollout);
        holdClock({ rollout, now }, 'resumed');
        return change({ rollout, now }, { ...asked, events: [{ type: 'resumed' }] });
      }),
    rollback: (asked) =>
      store.alone(() => {
        const at = running();
        return change(at, { ...asked, events: [rollbackEvent(asked.way, at.rollout.state)] });
      }),
    abort: (asked) =>
      store.alone(() => change(running(), { ...asked, events: [{ type: 'aborted' }] })),
  };
}

function rollbackEvent(way: Way, state: RolloutState): RolloutEvent {
  switch (way.kind) {
    case 'immediate':
      return { type: 'rolled-back', complete: false };
    case 'complete':
      return { type: 'rolled-back', complete: true };
    case 'partial': {
      const serve = 'at' in state ? Math.min(PARTIAL_SERVE, Math.max(0, state.at.serve - 1)) : 0;
      return { type: 'stepped-down', serve, cautious: true };
    }
    case 'to':
      return { type: 'stepped-down', serve: way.serve, cautious: false };
  }
}

/** What an entry of the log keeps of an assessment. */
export function evidenceOf(
  { guardrails, pass, needs, verdict }: Assessment,
  { graded, candidate, reference, units, days }: Tallies,
): object {
  return { guardrails, pass, needs, verdict, graded, candidate, reference, units, days };
}

function requireEvidence({ verdict, needs }: Assessment): void {
  if (verdict.state === 'advance') return;
  if (verdict.state === 'roll-back') {
    throw new AppError('rollout.harm', `The candidate does harm: ${verdict.why}.`, {
      hint: 'aqe-llm rollout rollback takes it back; the gateway does so by itself.',
      exitCode: ExitCode.GateFailed,
    });
  }
  throw new AppError('rollout.no-evidence', 'There is no evidence to advance on.', {
    problems: needs.filter(({ met }) => !met).map(({ id, what }) => ({ path: id, message: what })),
    hint: 'aqe-llm rollout status --watch shows how it comes in.',
    exitCode: ExitCode.Inconclusive,
  });
}

function edited(problem: string): AppError {
  return new AppError('rollout.log-edited', `The log of the rollout was edited: ${problem}`, {
    hint: 'Nothing was changed. Restore the state folder from a copy, or begin with another one (--state).',
    exitCode: ExitCode.GateFailed,
  });
}

function none(): AppError {
  return new AppError('rollout.none', 'There is no rollout.', {
    hint: 'Begin one with: aqe-llm rollout start <plan file>',
  });
}

function twice({ id, state }: Rollout): AppError {
  return new AppError('rollout.running', `Rollout ${id} is not over: it is ${state.state}.`, {
    hint:
      state.state === 'draft'
        ? 'Begin it with aqe-llm rollout start, without a plan, or end it with aqe-llm rollout abort.'
        : 'One at a time. End it with: aqe-llm rollout abort',
  });
}

function noPlan(): AppError {
  return new AppError('rollout.no-plan', 'There is no plan to begin with.', {
    hint: 'Write one with aqe-llm rollout plan > rollout.json, and name it.',
  });
}

function refused(message: string, { state }: RolloutState): AppError {
  const options: AppErrorOptions =
    state === 'paused' ? { hint: 'aqe-llm rollout resume lets it go on.' } : {};
  return new AppError('rollout.refused', message, options);
}

function rolledBack({ id, state }: Rollout): AppError {
  const why = 'why' in state && state.why !== '' ? `: ${state.why}` : '';
  return new AppError('rollout.rolled-back', `Rollout ${id} was rolled back${why}.`, {
    hint: 'It does not go on; begin another one once the cause is gone.',
    exitCode: ExitCode.RolledBack,
  });
}
