import { isOwnMachine } from '../config/own-machine.ts';
import type { ServerConfig } from '../config/schema.ts';
import { reckon, type Price, type PriceBook } from '../config/prices/price-book.ts';
import type { Usage } from '../core/request.ts';
import type { FailureClass } from '../providers/failure.ts';

/** What an attempt cost. */
export interface Charge {
  /** Whether it ran on a machine of one's own: no invoice comes from there. */
  selfHosted: boolean;
  /** Absent where no price is known or no tokens were reported: never 0 for want of knowledge. */
  usd?: number;
  /** What it was priced by; absent where `usd` is. */
  priceVersion?: string;
}

/** What was asked, and how it went. */
export interface Chargeable {
  /** `<server>:<model>`. */
  target: string;
  /** Whoever answers there in the place of a cloud is none of one's own machines. */
  tier: string;
  /** Milliseconds since the Unix epoch. */
  at: number;
  outcome: string;
  usage?: Usage | undefined;
  ttftMs?: number | undefined;
  batch?: boolean;
}

/** Knows what everything costs. */
export interface Charges {
  of(attempt: Chargeable): Charge;
  /** `undefined` where none is known. */
  priceOf(target: string, at: number): Price | undefined;
  /** Whether no invoice comes from there. */
  isSelfHosted(target: string, tier: string, at: number): boolean;
}

/** Marks of attempts that have no price of a list. */
export const SELF_HOSTED = 'self-hosted';
export const NOT_BILLED = 'not-billed';

/** Refused before any token was read or written. */
const UNBILLED: ReadonlySet<string> = new Set<FailureClass>([
  'transport',
  'overloaded',
  'rate-limited',
  'auth',
  'spend-limit',
  'model-missing',
  'context-too-long',
  'bad-request',
  'unsupported',
]);

export function createCharges(
  servers: Readonly<Record<string, ServerConfig>>,
  prices: PriceBook,
): Charges {
  function priceOf(target: string, at: number): Price | undefined {
    const { provider, model } = partsOf(target);
    const named = prices.find(provider, model, at);
    if (named !== undefined) return named;
    return servers[provider]?.kind === 'anthropic'
      ? prices.find('anthropic', model, at)
      : undefined;
  }

  function isSelfHosted(target: string, tier: string, at: number): boolean {
    const { provider } = partsOf(target);
    if (provider === 'embedded') return true;
    const server = servers[provider];
    if (tier === 'cloud' || server === undefined || !isOwnMachine(server)) return false;
    return priceOf(target, at) === undefined;
  }

  return {
    priceOf,
    isSelfHosted,
    of({ target, tier, at, outcome, usage, ttftMs, batch = false }) {
      if (isSelfHosted(target, tier, at)) {
        return { selfHosted: true, usd: 0, priceVersion: SELF_HOSTED };
      }
      const isRefused = usage === undefined && ttftMs === undefined && UNBILLED.has(outcome);
      // What fails in a batch is not billed.
      if (isRefused || (batch && outcome !== 'ok')) {
        return { selfHosted: false, usd: 0, priceVersion: NOT_BILLED };
      }
      const price = priceOf(target, at);
      const reckoned = price && usage && reckon(usage, price, batch);
      return { selfHosted: false, ...reckoned };
    },
  };
}

/** `<provider>:<model>`; the model may hold colons of its own. */
export function partsOf(target: string): { provider: string; model: string } {
  const [provider = '', ...rest] = target.split(':');
  return { provider, model: rest.join(':') };
}
