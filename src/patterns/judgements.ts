import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { TaskCategory } from '../core/task.ts';
import type { Recalled } from './cache.ts';
import type { Judge, Judgement } from './judge.ts';
import type { Pattern } from './pattern.ts';
import type { RecallLog } from './recalls.ts';
import type { PatternStore } from './store.ts';

export interface JudgementsOptions {
  store: PatternStore;
  log: RecallLog;
  judge: Judge;
  clock: Clock;
  /** Told of what could not be judged, once for each reason. */
  onTrouble: (error: unknown) => void;
}

/** The request of a look-up, and what a model answered where one was asked. */
export interface LookedUp {
  prompt: string;
  category: TaskCategory;
  answer?: string;
}

/** Finds out how remembered answers turn out, one after the other, while nobody waits for it. */
export interface Judgements {
  /** Whether what memory gave, or would have given, was right: as a model said too, or by the judge. */
  ofRecall(recalled: Recalled, lookedUp: LookedUp): void;
  /** Whether an answer that was remembered is right. */
  ofPattern(pattern: Pattern): void;
  /** Breaks off what is being judged; the rest stays unjudged. */
  close(): Promise<void>;
}

/** What waits; more than this is left to `curate learn`. */
const MOST_WAITING = 256;
/** An answer that execution found right counts as if seen to be right so often. */
const EXECUTED = 8;

export function createJudgements(options: JudgementsOptions): Judgements {
  const { store, log, judge, clock, onTrouble } = options;
  const over = new AbortController();
  const waiting: (() => Promise<unknown>)[] = [];
  const told = new Set<string>();
  let working: Promise<void> | undefined;

  function later(work: () => Promise<unknown>): void {
    if (over.signal.aborted || waiting.length >= MOST_WAITING) return;
    waiting.push(work);
    working ??= workOff().finally(() => {
      working = undefined;
    });
  }

  async function workOff(): Promise<void> {
    // Whoever asked gets its answer first.
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      await next().catch((error: unknown) => {
        if (over.signal.aborted || told.has(messageOf(error))) return;
        told.add(messageOf(error));
        onTrouble(error);
      });
    }
  }

  return {
    ofRecall({ number, candidate, isExact }, { answer, ...asked }) {
      if (number === undefined || candidate === undefined) return;
      const { id, answer: remembered } = candidate.pattern;
      later(async () => {
        const verdict: Judgement =
          answer?.trim() === remembered.trim()
            ? 'right'
            : await judge({ ...asked, answer: remembered }, over.signal);
        if (verdict === 'unknown') return;
        store.together(() => {
          log.label(number, verdict === 'right');
          store.update(id, (it) => withOutcome(it, verdict, isExact, clock.now()));
        });
      });
    },
    ofPattern: (pattern) => later(() => judgePattern(options, pattern, over.signal)),
    async close() {
      over.abort();
      waiting.length = 0;
      await working;
    },
  };
}

/** Has a remembered answer judged, and writes down what came of it: a wrong one is kept from use. */
export async function judgePattern(
  { store, judge, clock }: Pick<JudgementsOptions, 'store' | 'judge' | 'clock'>,
  { id, prompt, answer, category }: Pattern,
  signal: AbortSignal,
): Promise<Judgement> {
  const verdict = await judge({ prompt, answer, category }, signal);
  if (verdict === 'unknown') return verdict;
  store.update(id, (it) => {
    // Somebody may have edited it meanwhile.
    if (it.answer !== answer || it.prompt !== prompt || it.verified === 'review') return it;
    const updatedAt = clock.now();
    const { alpha, beta } = it.belief;
    if (verdict === 'right') {
      const belief = { alpha: alpha + EXECUTED, beta };
      return { ...it, verified: 'execution', belief, updatedAt };
    }
    const belief = { alpha, beta: beta + EXECUTED };
    return { ...it, verified: 'no', belief, quarantine: 'wrong when it was run', updatedAt };
  });
  return verdict;
}

export type Judged = Record<Judgement, number>;

/** Has all answers judged that nobody has verified. Those that cannot be told are asked about again next time. */
export async function* judgeAll(
  deps: Pick<JudgementsOptions, 'store' | 'judge' | 'clock'>,
  signal: AbortSignal,
): AsyncGenerator<{ done: number; of: number; verdict: Judgement }> {
  const unverified = { verified: false, quarantined: false };
  const of = deps.store.count(unverified);
  let done = 0;
  for (const pattern of deps.store.each(unverified)) {
    signal.throwIfAborted();
    const verdict = await judgePattern(deps, pattern, signal);
    done += 1;
    yield { done, of, verdict };
  }
}

/** One more outcome. An answer that was wrong for its own prompt is kept from use. */
function withOutcome(
  pattern: Pattern,
  verdict: 'right' | 'wrong',
  isExact: boolean,
  updatedAt: number,
): Pattern {
  const { outcomes, belief } = pattern;
  if (verdict === 'right') {
    return {
      ...pattern,
      outcomes: { ...outcomes, good: outcomes.good + 1 },
      belief: { ...belief, alpha: belief.alpha + 1 },
      updatedAt,
    };
  }
  return {
    ...pattern,
    outcomes: { ...outcomes, bad: outcomes.bad + 1 },
    belief: { ...belief, beta: belief.beta + 1 },
    ...(isExact ? { quarantine: 'wrong when it was reused for its own prompt' } : {}),
    updatedAt,
  };
}
