import type { Config } from '../../config/schema.ts';
import type {
  Assignment,
  Description,
  Neighbour,
  Remembered,
  RouteRequest,
  TargetState,
  Tier,
} from '../decision.ts';

export interface DecideInput {
  request: RouteRequest;
  description: Description;
  targets: readonly TargetState[];
  settings: Config['routing'];
  neighbours: readonly Neighbour[];
  /** An answer from memory, which goes before all targets. */
  reuse?: Remembered['reuse'];
  /** What a rollout says of the request; absent where it has no part in one. */
  rollout?: Assignment;
}

/** Keeps targets out of the choice, whatever is chosen later. */
export interface Wall {
  id: string;
  /** Whether it stands for this request. */
  stands(input: DecideInput): boolean;
  /** Why the target may not be asked; `undefined` where it may. */
  bars(target: TargetState, input: DecideInput): string | undefined;
}

/** Who goes first, and why. */
export interface Choice {
  /** All targets, the best first. */
  order: readonly TargetState[];
  /** In a sentence. */
  reason: string;
  /** Why a target that is not the first is not, where the policy can say. */
  whyNot?: (target: TargetState) => string | undefined;
}

/** Speaks, or passes by `undefined`. */
export interface Policy {
  id: string;
  /** @param ranked targets that may be asked, by fit: see order.ts */
  choose(ranked: readonly TargetState[], input: DecideInput): Choice | undefined;
}

export function isLocal({ tier }: { tier: Tier }): boolean {
  return tier !== 'cloud';
}

/** Sorts without touching its argument; equals keep their order. */
export function sortedBy<Item>(
  items: readonly Item[],
  ...keys: readonly ((item: Item) => number)[]
): Item[] {
  return items.toSorted((a, b) => {
    for (const key of keys) {
      const difference = key(a) - key(b);
      if (difference !== 0) return difference;
    }
    return 0;
  });
}
