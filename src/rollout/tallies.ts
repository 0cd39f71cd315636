import type { Tally } from '../core/betting.ts';
import { quantile } from '../core/statistics.ts';
import { isFailure, type Arm, type Observation } from './observation.ts';
import type { Plan } from './plan.ts';

export const DAY_MS = 86_400_000;

/** Evidence on the candidate; each list holds equal observations together. */
export interface Evidence {
  /** Scores of compared answers, from 0 to 1. */
  pairs: readonly Tally[];
  /** 1 for a failure of the candidate, 0 for an answer, beside 1. */
  failures: readonly Tally[];
  /** 1 for an answer over the objective, beside 1. */
  slow: readonly Tally[];
}

/** What the observations of a stage come to. */
export interface Tallies {
  stage: Evidence;
  /** Of the newest day of the stage, counted from its beginning. */
  day: { index: number; evidence: Evidence };
  /** Days with answers of the candidate. */
  days: number;
  /** Comparisons by how their grading went, and those dropped for want of room. */
  graded: { scored: number; unknown: number; errored: number; busy: number };
  candidate: { asked: number; failed: number };
  reference: { asked: number; failed: number };
  /** Means over comparisons of known cost; `unpriced` is how many are of unknown cost. */
  cost: { candidateUsd: number; referenceUsd: number; priced: number; unpriced: number };
  /** Distinct units by whose answer they got. */
  units: Record<Arm, number>;
  /** The objective of latency; absent while too few answers of the reference are there to read it off. */
  sloMs?: number;
}

/** Adds observations up, one by one: whoever has read the same rows has the same tallies. */
export interface TallyBook {
  add(observation: Observation): void;
  tallies(): Tallies;
}

export interface TallyBookOptions {
  plan: Plan;
  /** When the stage began. */
  stageAt: number;
  /** Milliseconds of the reference's first answers in the stages before, the oldest first. */
  baseline: readonly number[];
}

/** Units that are told apart; enough to see a split that is wrong. */
const MOST_UNITS = 200_000;

export function createTallyBook({ plan, stageAt, baseline }: TallyBookOptions): TallyBook {
  const { latency } = plan;
  const firstMs = [...baseline];
  const stage = createEvidence();
  const days = new Set<number>();
  const units: Record<Arm, Set<number>> = { candidate: new Set(), reference: new Set() };
  const graded = { scored: 0, unknown: 0, errored: 0, busy: 0 };
  const candidate = { asked: 0, failed: 0 };
  const reference = { asked: 0, failed: 0 };
  const cost = { candidateUsd: 0, referenceUsd: 0, priced: 0, unpriced: 0 };
  /** Answers that came before there was an objective. */
  const unjudged: { ms: number; day: number }[] = [];
  let day = { index: 0, evidence: createEvidence() };
  let sloMs = objective();

  function objective(): number | undefined {
    if ('sloMs' in latency) return latency.sloMs;
    if (firstMs.length < latency.baseline) return undefined;
    const first = firstMs.slice(0, latency.baseline).toSorted((a, b) => a - b);
    return (1 + latency.increase) * quantile(first, 0.95);
  }

  function inEach(index: number, note: (evidence: EvidenceBook) => void): void {
    note(stage);
    if (index > day.index) day = { index, evidence: createEvidence() };
    if (index === day.index) note(day.evidence);
  }

  function judgeLatency(ms: number, index: number): void {
    if (sloMs === undefined) {
      unjudged.push({ ms, day: index });
      return;
    }
    const isSlow = ms > sloMs ? 1 : 0;
    inEach(index, ({ slow }) => slow.add(isSlow, 1));
  }

  function noteReference(side: NonNullable<Observation['reference']>): void {
    const failed = isFailure(side);
    if (failed === undefined) return;
    reference.asked += 1;
    if (failed) reference.failed += 1;
    else if (sloMs === undefined) {
      firstMs.push(side.ms);
      sloMs = objective();
      if (sloMs === undefined) return;
      for (const { ms, day: index } of unjudged.splice(0)) judgeLatency(ms, index);
    }
  }

  function noteCandidate(side: NonNullable<Observation['candidate']>, index: number): void {
    const failed = isFailure(side);
    if (failed === undefined) return;
    days.add(index);
    candidate.asked += 1;
    if (failed) candidate.failed += 1;
    inEach(index, ({ failures }) => failures.add(failed ? 1 : 0, 1));
    if (!failed) judgeLatency(side.ms, index);
  }

  function noteCost({ candidate: one, reference: other }: Observation): void {
    if (one?.usd === undefined || other?.usd === undefined) {
      cost.unpriced += 1;
      return;
    }
    cost.priced += 1;
    cost.candidateUsd += one.usd;
    cost.referenceUsd += other.usd;
  }

  return {
    add(observation) {
      const { at, arm, unit, compared, grading } = observation;
      const index = Math.max(0, Math.floor((at - stageAt) / DAY_MS));
      if (units[arm].size < MOST_UNITS) units[arm].add(unit);
      // The reference first: its answers are what the candidate's time is held against.
      if (observation.reference !== undefined) noteReference(observation.reference);
      if (observation.candidate !== undefined) noteCandidate(observation.candidate, index);
      if (compared === 'busy') graded.busy += 1;
      if (compared !== 'done') return;
      noteCost(observation);
      if (grading.state === 'none') return;
      graded[grading.state] += 1;
      if (grading.state !== 'scored') return;
      inEach(index, ({ pairs }) => pairs.add(grading.candidate / 10, grading.reference / 10));
    },
    tallies: () => ({
      stage: stage.read(),
      day: { index: day.index, evidence: day.evidence.read() },
      days: days.size,
      graded: { ...graded },
      candidate: { ...candidate },
      reference: { ...reference },
      cost: {
        ...cost,
        candidateUsd: cost.candidateUsd / cost.priced,
        referenceUsd: cost.referenceUsd / cost.priced,
      },
      units: { candidate: units.candidate.size, reference: units.reference.size },
      ...(sloMs === undefined ? {} : { sloMs }),
    }),
  };
}

interface EvidenceBook {
  pairs: Counter;
  failures: Counter;
  slow: Counter;
  read(): Evidence;
}

function createEvidence(): EvidenceBook {
  const pairs = createCounter();
  const failures = createCounter();
  const slow = createCounter();
  return {
    pairs,
    failures,
    slow,
    read: () => ({ pairs: pairs.read(), failures: failures.read(), slow: slow.read() }),
  };
}

interface Counter {
  add(candidate: number, reference: number): void;
  read(): Tally[];
}

/** Scores are told apart by hundredths, so that many observations are few tallies. */
function createCounter(): Counter {
  const counts = new Map<number, number>();
  return {
    add(candidate, reference) {
      const key = Math.round(candidate * 100) * 101 + Math.round(reference * 100);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    },
    read: () =>
      [...counts].map(([key, count]) => ({
        candidate: Math.floor(key / 101) / 100,
        reference: (key % 101) / 100,
        count,
      })),
  };
}
