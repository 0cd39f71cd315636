import { HOURS_PER_MONTH, runsOn, usdPerHour } from '../hardware.ts';
import type { Advice } from '../result.ts';
import { examplesOf, attemptsWhere, type AdviceContext, type Adviser } from './context.ts';

/** Fewer uses than this and a model is idle: the plan's own limit. */
const LEAST_USES = 10;
/** In a shorter time nothing is idle yet. */
const LEAST_HOURS = 7 * 24;

/** Models that hardly anybody asks, and machines that run nothing else. */
export const idleModels: Adviser = (context) => {
  const { cells, targets, machines, hours } = context;
  if (hours < LEAST_HOURS) return [];
  const uses = new Map(targets.map((target) => [target, 0]));
  for (const { kind, sums } of cells) {
    if (!kind.selfHosted && !targets.includes(kind.target)) continue;
    uses.set(kind.target, (uses.get(kind.target) ?? 0) + sums.attempts);
  }
  const idle = [...uses].filter(([, count]) => count < LEAST_USES).map(([target]) => target);
  const models = idle.map((target) => adviceOf(target, uses.get(target) ?? 0, context));
  const standing = machines.filter((machine) => {
    const its = [...uses].filter(([target]) => runsOn(machine, target.split(':')[0] ?? ''));
    return its.length > 0 && its.every(([target]) => idle.includes(target));
  });
  const boxes = standing.map((machine): Advice => {
    const usd = usdPerHour(machine) * HOURS_PER_MONTH;
    return {
      kind: 'idle-model',
      title: `The machine ${machine.name} stands idle`,
      detail: `None of its models was asked ${LEAST_USES} times. It costs $${usd.toFixed(2)} a month, used or not.`,
      action: 'Give it work, or switch it off.',
      savedPerMonthUsd: { lower: 0, estimate: usd, upper: usd },
      effort: 'medium',
      evidence: { rows: 0, usd: usdPerHour(machine) * hours, examples: [] },
    };
  });
  return [...models, ...boxes];
};

function adviceOf(target: string, count: number, context: AdviceContext): Advice {
  return {
    kind: 'idle-model',
    title: `${target} is hardly used`,
    detail:
      count === 0
        ? 'It is configured and was never asked in this time.'
        : `It was asked ${count} times in this time.`,
    action:
      'Take it out of the tiers, or let another model do its work: what is loaded keeps memory.',
    savedPerMonthUsd: null,
    effort: 'medium',
    evidence: {
      rows: count,
      usd: null,
      examples: examplesOf(context, attemptsWhere('k.target = @target'), { target }),
    },
  };
}
