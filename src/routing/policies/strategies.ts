import type { Strategy } from '../../config/schema.ts';
import type { QualityEvidence, TargetState } from '../decision.ts';
import { levelOf, misfit } from './order.ts';
import { isLocal, sortedBy, type Choice, type DecideInput, type Policy } from './policy.ts';
import { evidenceFor, inWords, standing } from './quality.ts';

type Chooser = (ranked: readonly TargetState[], input: DecideInput) => Choice | undefined;

/** A cloud model without a known price is not taken for a free one. */
const UNPRICED = Number.MAX_VALUE;

const costOf = ({ estimatedUsd }: TargetState): number => estimatedUsd ?? UNPRICED;

/** The cheapest goes first. */
const costOptimized: Chooser = (ranked) => {
  const costs = ranked.map(costOf);
  if (new Set(costs).size < 2) return undefined;
  const order = sortedBy(ranked, costOf);
  return {
    order,
    reason: 'The cheapest target goes first.',
    whyNot: (target) => (costOf(target) > Math.min(...costs) ? 'costs more' : undefined),
  };
};

/**
 * The best shown quality goes first, by its lower bound. Where nothing is shown the cloud, against
 * which quality is measured, counts as 1 and a local model as 0.
 */
const qualityOptimized: Chooser = (ranked, { neighbours }) => {
  const boundOf = (target: TargetState): number =>
    evidenceFor(target, neighbours)?.lower ?? (isLocal(target) ? 0 : 1);
  if (new Set(ranked.map(boundOf)).size < 2) return undefined;
  const order = sortedBy(ranked, (target) => -boundOf(target));
  const [first] = order;
  const shown = first && evidenceFor(first, neighbours);
  return {
    order,
    reason:
      shown === undefined
        ? 'The cloud goes first: nothing is shown to be as good.'
        : `The best shown quality goes first: ${inWords(shown)}.`,
    whyNot: (target) => {
      const evidence = evidenceFor(target, neighbours);
      return evidence === undefined ? 'its quality is not shown' : inWords(evidence);
    },
  };
};

const HARD = levelOf('complex');

/** Classes of targets for easy and for hard work; a class goes before the next. */
function classOf(
  target: TargetState,
  evidence: QualityEvidence | undefined,
  asked: number,
  isHard: boolean,
): number {
  const state = standing(evidence, asked);
  if (state === 'refuted') return 3;
  if (!isLocal(target)) return isHard ? 1 : 2;
  if (state === 'proven') return 0;
  return isHard ? 2 : 1;
}

/**
 * A local model that is shown to be good enough goes first. Without that, easy work goes to a local
 * model all the same, and hard work to the cloud. A model that is shown not to be good enough is
 * asked last.
 */
const adaptive: Chooser = (ranked, { description, neighbours, settings }) => {
  const isHard = levelOf(description.complexity) >= HARD;
  const classes = new Map(
    ranked.map((target) => {
      const evidence = evidenceFor(target, neighbours);
      return [target, { evidence, rank: classOf(target, evidence, settings.quality, isHard) }];
    }),
  );
  const rankOf = (target: TargetState): number => classes.get(target)?.rank ?? 0;
  if (new Set(ranked.map(rankOf)).size < 2) return undefined;
  const order = sortedBy(ranked, rankOf);
  const [first] = order;
  const evidence = first && classes.get(first)?.evidence;
  const work = `${description.complexity} work`;
  return {
    order,
    reason: reasonOf(first === undefined ? 0 : rankOf(first), work, evidence),
    whyNot: (target) => {
      const shown = classes.get(target)?.evidence;
      if (rankOf(target) === 3 && shown !== undefined) return `not good enough: ${inWords(shown)}`;
      if (!isLocal(target)) return 'the cloud comes after local models that will do';
      return isHard && rankOf(target) === 2 ? `not shown to do for ${work}` : undefined;
    },
  };
};

function reasonOf(rank: number, work: string, evidence: QualityEvidence | undefined): string {
  const shown = evidence === undefined ? '' : ` (${inWords(evidence)})`;
  switch (rank) {
    case 0:
      return `A local model is shown to be good enough${shown}.`;
    case 1:
    case 2:
      return `It does for ${work} unless shown otherwise${shown}.`;
    default:
      return `Nothing better may be asked${shown}.`;
  }
}

const CHOOSERS: Readonly<Record<Strategy, Chooser>> = {
  // Its wall says all there is to say.
  'privacy-first': () => undefined,
  'cost-optimized': costOptimized,
  'quality-optimized': qualityOptimized,
  adaptive,
};

/** What the configuration prefers. */
export const strategyPolicy: Policy = {
  id: 'strategy',
  choose: (ranked, input) => CHOOSERS[input.settings.strategy](ranked, input),
};

/** The model for the work. */
export function byComplexity(
  ranked: readonly TargetState[],
  { description: { complexity } }: DecideInput,
): Choice {
  const [first] = ranked;
  return {
    order: ranked,
    reason:
      first?.suits === undefined
        ? 'Local tiers go before the cloud.'
        : `Its model is the one for ${complexity} work.`,
    whyNot: (target) => {
      if (!isLocal(target)) return 'the cloud comes after local models';
      if (first === undefined || misfit(target, complexity) <= misfit(first, complexity)) {
        return undefined;
      }
      return target.suits === undefined ? 'for work of any kind' : `for ${target.suits} work`;
    },
  };
}
