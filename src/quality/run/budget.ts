import { AppError, ExitCode } from '../../core/errors.ts';
import type { CompletionRequest } from '../../core/request.ts';
import { promptTokensAtMost } from '../../providers/http/prompt-bound.ts';
import { formatUsd } from '../reports/format.ts';
import type { AttemptReport } from '../../routing/attempt.ts';

/** What live sides cost, by their specs. */
export interface Money {
  /** US dollars of one attempt: 0 where no invoice comes from, `undefined` where it is not known. */
  chargeOf(spec: string, attempt: AttemptReport): number | undefined;
  /** US dollars of so many tokens of prompt and answer; 0 and `undefined` likewise. */
  priceOf(spec: string, tokens: { input: number; output: number }): number | undefined;
}

/** Keeps what a run costs below its limit. */
export interface Budget {
  /**
   * Reserves what a request may cost at most.
   * @returns to be called once with what it did cost, or `undefined` where that is not known
   * @throws AppError `baseline.over-budget`, exit code 3, before anything is sent
   */
  admit(spec: string, request: CompletionRequest): (usd: number | undefined) => void;
}

export interface BudgetOptions {
  money: Money;
  /** US dollars; null for no limit. */
  maxUsd: number | null;
  /** US dollars that the run has cost before. */
  spentUsd: number;
  /** How to go on with a larger limit. */
  hint: string;
}

export function createBudget({ money, maxUsd, spentUsd, hint }: BudgetOptions): Budget {
  let spent = spentUsd;
  let reserved = 0;
  return {
    admit(spec, request) {
      const most = maxUsd === null ? 0 : mostUsd(money, spec, request);
      if (most === undefined) throw unpriced(spec);
      if (maxUsd !== null && spent + reserved + most > maxUsd) {
        throw new AppError(
          'baseline.over-budget',
          `Stopped: ${formatUsd(spent)} of ${formatUsd(maxUsd)} are spent, and the next answer of ${spec} may cost ${formatUsd(most)}.`,
          { hint, exitCode: ExitCode.RolledBack },
        );
      }
      reserved += most;
      return (usd) => {
        reserved -= most;
        // What is not known is taken for what it may be at most.
        spent += usd ?? most;
      };
    },
  };
}

/** The most that a request can cost: no tokenizer makes more tokens than bytes. */
export function mostUsd(
  money: Money,
  spec: string,
  request: CompletionRequest,
): number | undefined {
  return money.priceOf(spec, { input: promptTokensAtMost(request), output: request.maxTokens });
}

function unpriced(spec: string): AppError {
  return new AppError('baseline.unpriced', `The price of ${spec} is not known.`, {
    hint: 'A limit cannot be kept without it: run without --max-cost, or choose a model whose price is known.',
  });
}
