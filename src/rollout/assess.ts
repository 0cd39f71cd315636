import {
  CHI_SQUARE_999,
  evidenceAbove,
  evidenceBelow,
  ratioBounds,
  splitChiSquare,
  type RatioBounds,
  type Tally,
} from '../core/betting.ts';
import { stepOf, type Plan } from './plan.ts';
import { stepAt, type Position } from './state.ts';
import { DAY_MS, type Tallies } from './tallies.ts';

/** What is watched, and what rolls back by itself. */
export type GuardrailId = 'quality' | 'errors' | 'latency';

export interface Guardrail {
  id: GuardrailId;
  /** Ratio of means for quality, a share for the others; absent without observations. */
  value?: number;
  /** The border: quality below it, shares above it are harm. */
  limit: number;
  n: number;
  /**
   * `ok` on the right side of the border, `over` beyond it without proof, `harm` with proof, `hard`
   * with proof of much worse, `short` with too few observations to say.
   */
  state: 'ok' | 'over' | 'harm' | 'hard' | 'short';
  /** E-value for harm, and the one that rolls back; the larger of the stage's and the day's, as a share of its own. */
  harm: { e: number; at: number };
}

/** One thing that an advance asks for. */
export interface Need {
  id: 'evidence' | 'pairs' | 'requests' | 'days' | 'grading' | 'cost' | 'split' | GuardrailId;
  /** In words, with its figures. */
  what: string;
  met: boolean;
}

export type Verdict =
  | { state: 'advance' }
  /** What is missing is in the needs. */
  | { state: 'hold' }
  | { state: 'roll-back'; guardrail: GuardrailId; hard: boolean; why: string };

/** What the evidence of a stage says. */
export interface Assessment {
  guardrails: Guardrail[];
  /** E-value for "not worse than the margin", and the one that lets it advance. */
  pass: { e: number; at: number };
  needs: Need[];
  verdict: Verdict;
}

/** Share of gradings that may fail before nothing can be said. */
const MOST_ERRORED = 0.05;
/** Guardrails that share the probability of a wrong way back. */
const GUARDRAILS = 3;

/** The e-value that lets a step advance. */
export function passAt({ alpha }: Plan): number {
  return 1 / alpha;
}

/**
 * The e-value that rolls a stage back. The probability of a wrong way back is shared by the steps,
 * the guardrails, and the two halves of the watch: the whole stage, and each of its days.
 */
export function harmAt({ alpha, steps }: Plan): number {
  return (2 * steps.length * GUARDRAILS) / alpha;
}

/** Pure: the same tallies give the same verdict to everybody. */
export function assess(
  plan: Plan,
  at: Position,
  tallies: Tallies,
  { now, stageAt }: { now: number; stageAt: number },
): Assessment {
  const guardrails = [
    watch('quality', plan, tallies),
    watch('errors', plan, tallies),
    watch('latency', plan, tallies),
  ];
  const logPass = evidenceAbove(tallies.stage.pairs, 1 - plan.quality.margin);
  const pass = { e: exponential(logPass), at: passAt(plan) };
  const needs = needsOf(plan, at, tallies, { guardrails, pass, now, stageAt });
  return { guardrails, pass, needs, verdict: verdictOf(plan, guardrails, needs) };
}

/** Bounds of the quality ratio: above the margin on the left it may advance, below it on the right it goes back. */
export function qualityBounds(plan: Plan, pairs: readonly Tally[]): RatioBounds {
  return ratioBounds(pairs, { lower: Math.log(passAt(plan)), upper: Math.log(harmAt(plan)) });
}

interface Watched {
  /** Of the stage and of its newest day. */
  series: readonly (readonly Tally[])[];
  limit: number;
  hard: number;
  /** Logarithm of the e-value against being on the right side of a border. */
  test: (tallies: readonly Tally[], border: number) => number;
  isBeyond: (value: number) => boolean;
}

function watched(id: GuardrailId, plan: Plan, { stage, day }: Tallies): Watched {
  if (id === 'quality') {
    const limit = 1 - plan.quality.margin;
    return {
      series: [stage.pairs, day.evidence.pairs],
      limit,
      hard: 1 - plan.quality.hard,
      test: evidenceBelow,
      isBeyond: (value) => value < limit,
    };
  }
  const { most: limit, hard } =
    id === 'errors' ? plan.errors : { most: plan.latency.share, hard: 1 };
  return {
    series:
      id === 'errors' ? [stage.failures, day.evidence.failures] : [stage.slow, day.evidence.slow],
    limit,
    hard,
    test: evidenceAbove,
    isBeyond: (value) => value > limit,
  };
}

function watch(id: GuardrailId, plan: Plan, tallies: Tallies): Guardrail {
  const { series, limit, hard, test, isBeyond } = watched(id, plan, tallies);
  const [whole = []] = series;
  const n = countOf(whole);
  const value = ratioOf(whole);
  // Each day of a stage has a smaller share of the probability than the one before; all of them have half.
  const { index } = tallies.day;
  const borders = [harmAt(plan), harmAt(plan) * (index + 1) * (index + 2)];
  const proofs = series.map((tallied, place) => {
    const needed = Math.log(borders[place] ?? Infinity);
    const log = test(tallied, limit);
    const isProven = log >= needed;
    return { needed, log, isProven, isHard: isProven && hard < 1 && test(tallied, hard) >= needed };
  });
  const [strongest] = proofs.toSorted((a, b) => b.log - b.needed - (a.log - a.needed));
  return {
    id,
    ...(value === undefined ? {} : { value }),
    limit,
    n,
    state: stateOf(),
    harm: { e: exponential(strongest?.log ?? 0), at: exponential(strongest?.needed ?? Infinity) },
  };

  function stateOf(): Guardrail['state'] {
    if (n < plan.minimum || value === undefined) return 'short';
    if (proofs.some(({ isHard }) => isHard)) return 'hard';
    if (proofs.some(({ isProven }) => isProven)) return 'harm';
    return isBeyond(value) ? 'over' : 'ok';
  }
}

/** Never infinite, which JSON does not know. */
function exponential(log: number): number {
  return Math.min(Math.exp(log), Number.MAX_VALUE);
}

function countOf(tallies: readonly Tally[]): number {
  return tallies.reduce((sum, { count }) => sum + count, 0);
}

/** Candidate's mean over the reference's; `undefined` where the reference's is 0. */
function ratioOf(tallies: readonly Tally[]): number | undefined {
  let candidate = 0;
  let reference = 0;
  for (const tally of tallies) {
    candidate += tally.candidate * tally.count;
    reference += tally.reference * tally.count;
  }
  return reference > 0 ? candidate / reference : undefined;
}

interface Judged {
  guardrails: readonly Guardrail[];
  pass: Assessment['pass'];
  now: number;
  stageAt: number;
}

function needsOf(
  plan: Plan,
  at: Position,
  tallies: Tallies,
  { guardrails, pass, now, stageAt }: Judged,
): Need[] {
  const step = stepOf(plan, stepAt(plan, at.serve));
  const { graded, candidate, days } = tallies;
  const elapsed = Math.floor((now - stageAt) / DAY_MS);
  const errored = graded.errored / Math.max(1, graded.errored + graded.scored);
  return [
    {
      id: 'evidence',
      what: `quality shown to be at least ${percent(1 - plan.quality.margin)} of the reference's: E ${figure(pass.e)} of ${figure(pass.at)}`,
      met: pass.e >= pass.at,
    },
    atLeast('pairs', 'graded comparisons', graded.scored, Math.max(step.pairs, plan.minimum)),
    atLeast('requests', 'answers of the candidate', candidate.asked, step.requests),
    ...(step.days === 0 ? [] : [daysNeed(step.days, days, elapsed)]),
    {
      id: 'grading',
      what: `${graded.errored} gradings failed, ${percent(errored)} of at most ${percent(MOST_ERRORED)}`,
      met: errored <= MOST_ERRORED,
    },
    ...guardrails.map(({ id, state, value, limit, n }) => ({
      id,
      what: guardrailInWords(id, { value, limit, n, sloMs: tallies.sloMs }),
      met: state === 'ok' || (state === 'short' && id === 'quality'),
    })),
    ...costNeed(plan, tallies),
    ...splitNeed(at, tallies),
  ];
}

function guardrailInWords(
  id: GuardrailId,
  {
    value,
    limit,
    n,
    sloMs,
  }: { value: number | undefined; limit: number; n: number; sloMs: number | undefined },
): string {
  const is = value === undefined ? 'unknown' : percent(value);
  switch (id) {
    case 'quality':
      return `quality ${is} of the reference's, at least ${percent(limit)} (${n} comparisons)`;
    case 'errors':
      return `errors ${is}, at most ${percent(limit)} (${n} calls)`;
    case 'latency':
      return sloMs === undefined
        ? 'latency: too few answers of the reference to hold it against'
        : `slower than ${Math.round(sloMs)} ms: ${is}, at most ${percent(limit)} (${n} answers)`;
  }
}

function atLeast(id: 'pairs' | 'requests', what: string, have: number, need: number): Need {
  return { id, what: `${have} of ${need} ${what}`, met: have >= need };
}

function daysNeed(need: number, days: number, elapsed: number): Need {
  return {
    id: 'days',
    what: `${days} of ${need} days with answers of the candidate, ${Math.max(0, elapsed)} gone by`,
    met: days >= need && elapsed >= need,
  };
}

function costNeed({ cost }: Plan, tallies: Tallies): Need[] {
  if (cost === null) return [];
  const { candidateUsd, referenceUsd, priced, unpriced } = tallies.cost;
  if (priced === 0) {
    const what = `cost unknown: ${unpriced} comparisons without a price ("cost": null in the plan leaves it away)`;
    return [{ id: 'cost', what, met: false }];
  }
  return [
    {
      id: 'cost',
      what: `$${candidateUsd.toFixed(5)} a request against $${referenceUsd.toFixed(5)}, at most ${percent(cost.ratio)} of it`,
      met: candidateUsd <= cost.ratio * referenceUsd,
    },
  ];
}

/** Whether units were split as they should be: if not, what is measured is not what is believed. */
function splitNeed({ serve }: Position, { units }: Tallies): Need[] {
  if (serve <= 0 || serve >= 100) return [];
  const total = units.candidate + units.reference;
  if (total === 0) return [{ id: 'split', what: 'no units yet', met: false }];
  const statistic = splitChiSquare(units.candidate, units.reference, serve / 100);
  const isRight = statistic < CHI_SQUARE_999;
  const what = `${units.candidate} of ${total} units with the candidate where ${serve} % are due: chi-square ${figure(statistic)}, p ${isRight ? '≥' : '<'} 0.001`;
  return [{ id: 'split', what, met: isRight }];
}

function verdictOf(
  { minimum }: Plan,
  guardrails: readonly Guardrail[],
  needs: readonly Need[],
): Verdict {
  const harmful =
    guardrails.find(({ state }) => state === 'hard') ??
    guardrails.find(({ state }) => state === 'harm');
  if (harmful !== undefined && harmful.n >= minimum) {
    const { id, state, harm } = harmful;
    const words = needs.find((need) => need.id === id)?.what ?? id;
    return {
      state: 'roll-back',
      guardrail: id,
      hard: state === 'hard',
      why: `${words}: proven, E ${figure(harm.e)} of ${figure(harm.at)}`,
    };
  }
  return needs.every(({ met }) => met) ? { state: 'advance' } : { state: 'hold' };
}

export function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`;
}

/** Three digits, or an exponent where it is far from them. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '∞';
  if (value !== 0 && (value >= 1e5 || value < 0.001)) return value.toExponential(1);
  return String(Number(value.toPrecision(3)));
}
