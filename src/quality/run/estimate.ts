import type { Ask } from './asks.ts';
import { mostUsd, type Money } from './budget.ts';
import type { Side } from './plan.ts';
import type { RunStore } from './run-store.ts';

/** What the answers that a live side still has to give may take. */
export interface SideEstimate {
  side: Side;
  spec: string;
  answers: number;
  /** US dollars at most; null where no price is known, 0 where no invoice comes from. */
  mostUsd: number | null;
  /** Milliseconds, from what this side took before; null where nothing was measured. */
  ms: number | null;
  /** Answers that `ms` was learned from. */
  measured: number;
}

/** From prices, and from the speed that was measured before where there is any. */
export function estimateSide(
  { side, spec }: { side: Side; spec: string },
  asks: readonly Ask[],
  { store, money }: { store: Pick<RunStore, 'speedOf'>; money: Money },
): SideEstimate {
  const most = asks.map(({ request }) => mostUsd(money, spec, request));
  const speed = store.speedOf(spec);
  return {
    side,
    spec,
    answers: asks.length,
    mostUsd: most.reduce<number | null>(
      (sum, usd) => (sum === null || usd === undefined ? null : sum + usd),
      0,
    ),
    ms: speed === undefined ? null : speed.paceMs * asks.length,
    measured: speed?.answers ?? 0,
  };
}
