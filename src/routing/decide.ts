import { AppError } from '../core/errors.ts';
import {
  isOfSide,
  MEMORY,
  type Assignment,
  type Decision,
  type Rung,
  type TargetState,
} from './decision.ts';
import { loadPolicy } from './policies/load.ts';
import { rankByFit } from './policies/order.ts';
import {
  isLocal,
  sortedBy,
  type Choice,
  type DecideInput,
  type Policy,
} from './policies/policy.ts';
import { evidenceFor } from './policies/quality.ts';
import { byComplexity, strategyPolicy } from './policies/strategies.ts';
import { isNamed, pinnedModel, WALLS } from './policies/walls.ts';

export { emergencyTrigger } from './policies/emergency.ts';
export type { DecideInput } from './policies/policy.ts';

/** Whoever is named answers. */
const pinnedPolicy: Policy = {
  id: 'pinned-model',
  choose: (ranked, { request }) =>
    pinnedModel(request) === undefined
      ? undefined
      : { order: ranked, reason: `${request.model} was asked for.` },
};

/** A rollout gives the request to a side; the other one comes next. */
const rolloutPolicy: Policy = {
  id: 'rollout',
  choose: (ranked, { rollout }) => {
    if (rollout === undefined) return undefined;
    const { to, other } = rollout;
    const rankOf = (target: TargetState): number =>
      isOfSide(target, to) ? 0 : isOfSide(target, other) ? 1 : 2;
    if (!ranked.some((target) => rankOf(target) === 0)) return undefined;
    return {
      order: sortedBy(ranked, rankOf),
      reason: rolloutInWords(rollout),
      whyNot: (target) =>
        rankOf(target) === 0 ? undefined : `rollout ${rollout.rollout} gives it to ${to}`,
    };
  },
};

function rolloutInWords({ rollout, arm, to, bucket, serve, compare }: Assignment): string {
  const share = `bucket ${bucket} of 10,000, ${serve} % for the candidate`;
  const beside = compare ? ' The other side is asked beside it.' : '';
  return `Rollout ${rollout} gives it to the ${arm}, ${to} (${share}).${beside}`;
}

/** Load is asked with the order of the strategy: it looks at who would be the first. */
const relief: Policy = {
  id: loadPolicy.id,
  choose: (ranked, input) =>
    loadPolicy.choose(strategyPolicy.choose(ranked, input)?.order ?? ranked, input),
};

/** Asked one after the other; the first that speaks signs. Where none does, complexity decides. */
const POLICIES: readonly Policy[] = [pinnedPolicy, rolloutPolicy, relief, strategyPolicy];

/** Tokens of an answer where the time it takes is estimated. */
const USUAL_TOKENS = 500;
/** Where nothing was measured, a choice is this much less sure. */
const UNMEASURED = 0.75;

/**
 * Who is asked, one after the other, and why: docs/routing.md. Pure and synchronous.
 * @throws AppError `route.unknown-model`, `route.private` for a pinned model behind the privacy
 * wall, `route.nobody` when no target is left
 */
export function decide(input: DecideInput): Decision {
  const { request, description, settings, neighbours } = input;
  const rejected: Decision['rejected'][number][] = [];
  const reject = ({ tier, spec }: TargetState, why: string): void => {
    rejected.push({ tier, target: spec, why });
  };
  const narrowedBy: string[] = [];
  let open = input.targets;
  for (const wall of WALLS) {
    if (!wall.stands(input)) continue;
    narrowedBy.push(wall.id);
    open = open.filter((target) => {
      const why = wall.bars(target, input);
      if (why !== undefined) reject(target, why);
      return why === undefined;
    });
  }
  if (settings.cloud === 'emergency-only' && open.some((target) => !isLocal(target))) {
    narrowedBy.push('emergency-only');
  }
  const ranked = rankByFit(open, description);
  const { policy, choice } = choose(ranked, input);
  const order = once(usableFirst(choice.order, input), (target, before) =>
    reject(target, `the same model as in the ${before.tier} tier`),
  );
  const [first, ...others] = order;
  if (first === undefined) throw nobodyLeft(input, rejected);
  const rungs: Decision['ladder'] = [
    rungOf(first, input),
    ...others.map((target) => ({
      why: whyLater(target, choice, input),
      ...rungOf(target, input),
    })),
  ];
  const shared = { narrowedBy, strategy: settings.strategy, description, rejected, neighbours };
  if (input.reuse !== undefined) return { ...shared, ...fromMemory(input.reuse, rungs, input) };
  const evidence = evidenceFor(first, neighbours);
  const sureness = evidence === undefined ? UNMEASURED : 1 - (evidence.mean - evidence.lower);
  return {
    ...shared,
    policy,
    ladder: rungs,
    confidence: policy === pinnedPolicy.id ? 1 : description.confidence * sureness,
    reasons: reasonsOf(choice, first, input),
    ...estimates(first, request.maxTokens),
    ...(policy === rolloutPolicy.id && input.rollout !== undefined
      ? { rollout: input.rollout }
      : {}),
  };
}

/** Memory answers, and would be asked before whoever else was chosen. */
function fromMemory(
  { id, why, confidence }: NonNullable<DecideInput['reuse']>,
  rungs: Decision['ladder'],
  { description: { complexity, category } }: DecideInput,
): Pick<
  Decision,
  'policy' | 'ladder' | 'confidence' | 'reasons' | 'estimatedLatencyMs' | 'estimatedUsd'
> {
  const remembered: Rung = { tier: 'orchestrated', spec: `${MEMORY}:${id}`, maySeePrivate: true };
  const [first, ...others] = rungs;
  return {
    policy: MEMORY,
    ladder: [remembered, { ...first, why: 'memory answers' }, ...others],
    confidence,
    reasons: [`${complexity}, ${category}.`, why],
    estimatedLatencyMs: 0,
    estimatedUsd: 0,
  };
}

function choose(
  ranked: readonly TargetState[],
  input: DecideInput,
): { policy: string; choice: Choice } {
  for (const policy of POLICIES) {
    const choice = policy.choose(ranked, input);
    if (choice !== undefined) return { policy: policy.id, choice };
  }
  return { policy: 'complexity', choice: byComplexity(ranked, input) };
}

/** Whom it is no use to ask, and the cloud where it is for emergencies, stay as the last resort. */
function usableFirst(order: readonly TargetState[], input: DecideInput): TargetState[] {
  const ranks = order.map((target) => ({ target, rank: hindrance(target, input) }));
  return ranks.toSorted((a, b) => a.rank - b.rank).map(({ target }) => target);
}

function hindrance(target: TargetState, { settings }: DecideInput): number {
  if (!isLocal(target) && settings.cloud === 'emergency-only') return 2;
  return target.breaker === 'open' || target.gone !== undefined ? 1 : 0;
}

/** Each model once: two tiers may have the same one. */
function once(
  order: readonly TargetState[],
  onTwin: (target: TargetState, before: TargetState) => void,
): TargetState[] {
  const seen = new Map<string, TargetState>();
  return order.filter((target) => {
    const before = seen.get(target.spec);
    if (before !== undefined) onTwin(target, before);
    else seen.set(target.spec, target);
    return before === undefined;
  });
}

function rungOf(target: TargetState, { settings }: DecideInput): Rung {
  const { tier, spec, maySeePrivate, suits } = target;
  return {
    tier,
    spec,
    maySeePrivate,
    ...(suits === undefined ? {} : { suits }),
    ...(!isLocal(target) && settings.cloud === 'emergency-only' ? { emergencyOnly: true } : {}),
  };
}

function whyLater(target: TargetState, choice: Choice, { settings }: DecideInput): string {
  if (target.breaker === 'open') return 'left alone for a while: it has failed too often';
  if (target.gone !== undefined) return goneInWords(target.gone);
  if (!isLocal(target) && settings.cloud === 'emergency-only') return 'for emergencies only';
  return choice.whyNot?.(target) ?? 'next in line';
}

function goneInWords(gone: NonNullable<TargetState['gone']>): string {
  return gone === 'gpu-gone' ? 'its GPU is gone' : 'its model is not there';
}

function reasonsOf(choice: Choice, first: TargetState, input: DecideInput): string[] {
  const [wanted] = choice.order;
  const { category, complexity } = input.description;
  const reasons = [`${complexity}, ${category}.`, choice.reason];
  if (wanted !== undefined && wanted.spec !== first.spec) {
    reasons.push(`${wanted.spec} would go first, but: ${whyLater(wanted, choice, input)}.`);
  }
  if (first.breaker === 'open' || first.gone !== undefined) {
    reasons.push('Nobody who is well may be asked; the least bad is tried.');
  }
  return reasons;
}

function estimates(
  { latency, estimatedUsd }: TargetState,
  maxTokens = USUAL_TOKENS,
): Pick<Decision, 'estimatedLatencyMs' | 'estimatedUsd'> {
  const tokens = Math.min(maxTokens, USUAL_TOKENS);
  return {
    ...(latency === undefined
      ? {}
      : { estimatedLatencyMs: latency.ttftMs + latency.msPerToken * tokens }),
    ...(estimatedUsd === undefined ? {} : { estimatedUsd }),
  };
}

function nobodyLeft(
  { request, targets, settings }: DecideInput,
  rejected: readonly Decision['rejected'][number][],
): AppError {
  const model = pinnedModel(request);
  const names = [...new Set(targets.map(({ spec }) => spec))].join(', ');
  if (model !== undefined && !targets.some(({ spec }) => isNamed(spec, model))) {
    return new AppError('route.unknown-model', `No tier has a model called ${model}.`, {
      hint: names === '' ? 'No tier has any model now.' : `There are auto, ${names}.`,
    });
  }
  const problems = rejected.map(({ tier, target, why }) => ({
    path: `${tier} ${target}`,
    message: why,
  }));
  if (model !== undefined && (request.private === true || settings.strategy === 'privacy-first')) {
    return new AppError('route.private', `${model} may not be asked: the prompt is private.`, {
      hint: 'Ask for another model, or for auto.',
      problems,
    });
  }
  return new AppError('route.nobody', 'No target may be asked.', {
    hint:
      targets.length === 0
        ? 'No tier has a model now: does its server run? aqe-llm serve-check says.'
        : 'Give tiers.direct a model of this machine, or mark its server as private.',
    problems,
  });
}
