import type { Clock } from '../core/clock.ts';
import type { Completion, CompletionRequest, Usage } from '../core/request.ts';
import type { TaskCategory } from '../core/task.ts';
import { failureClassOf, usageOfFailure } from '../providers/failure.ts';
import type { Provider, StreamEvent } from '../providers/provider.ts';
import type { Charges } from './charge.ts';
import type { Ledger, Purpose } from './ledger.ts';

/** For what a provider is asked outside of requests. */
export interface Metering {
  purpose: Purpose;
  tier: 'direct' | 'cloud';
  session?: string;
  categoryOf?: (request: CompletionRequest) => TaskCategory;
  /** Equal for requests that several providers are to answer. */
  pairOf?: (request: CompletionRequest) => string;
}

export interface MeterDeps {
  ledger: Pick<Ledger, 'alone'>;
  charges: Charges;
  clock: Clock;
  /** Of attempts. */
  newId: () => string;
  /** Told of what could not be written; the answer is given all the same. */
  onTrouble: (error: unknown) => void;
}

/** An attempt that is under way. */
interface Reading {
  token(): void;
  /** The first end counts. */
  end(outcome: string, usage?: Usage): void;
}

/** The provider, and each call of it is an attempt in the ledger, however it ends. */
export function meter(provider: Provider, metering: Metering, deps: MeterDeps): Provider {
  const { ledger, charges, clock, newId, onTrouble } = deps;
  const { purpose, tier, session, categoryOf, pairOf } = metering;

  function begin(request: CompletionRequest | undefined): Reading {
    const at = clock.now();
    const start = clock.monotonic();
    let ttftMs: number | undefined;
    let ended = false;
    return {
      token() {
        ttftMs ??= clock.monotonic() - start;
      },
      end(outcome, usage) {
        // What has no embeddings was not asked for any.
        if (ended || outcome === 'unsupported') return;
        ended = true;
        const attempt = {
          at,
          purpose,
          tier,
          target: provider.id,
          batch: false,
          outcome,
          ...(usage === undefined ? {} : { usage }),
          ...(ttftMs === undefined ? {} : { ttftMs }),
          totalMs: clock.monotonic() - start,
        };
        try {
          ledger.alone({
            id: newId(),
            ...attempt,
            ...charges.of(attempt),
            ...(session === undefined ? {} : { session }),
            ...(request && categoryOf ? { category: categoryOf(request) } : {}),
            ...(request && pairOf ? { pair: pairOf(request) } : {}),
          });
        } catch (error) {
          onTrouble(error);
        }
      },
    };
  }

  async function measured<Result>(
    reading: Reading,
    work: () => Promise<Result>,
    usageOf: (result: Result) => Usage | undefined,
  ): Promise<Result> {
    try {
      const result = await work();
      reading.end('ok', usageOf(result));
      return result;
    } catch (error) {
      reading.end(failureClassOf(error) ?? 'unknown', usageOfFailure(error));
      throw error;
    }
  }

  async function* stream(
    request: CompletionRequest,
    options: Parameters<Provider['stream']>[1],
  ): AsyncGenerator<StreamEvent> {
    const reading = begin(request);
    try {
      for await (const event of provider.stream(request, options)) {
        if (event.type === 'finished') {
          const { finishReason, usage } = event.completion;
          reading.end(finishReason === 'cancelled' ? 'cancelled' : 'ok', usage);
        } else {
          reading.token();
        }
        yield event;
      }
      reading.end('truncated-stream');
    } catch (error) {
      reading.end(failureClassOf(error) ?? 'unknown', usageOfFailure(error));
      throw error;
    } finally {
      // A reader who leaves the loop early wants no more of the answer.
      reading.end('cancelled');
    }
  }

  return {
    id: provider.id,
    complete: (request, options) =>
      measured(
        begin(request),
        () => provider.complete(request, options),
        ({ usage }: Completion) => usage,
      ),
    stream,
    embed(texts, options = {}) {
      let used: Usage | undefined;
      const onUsage = (usage: Usage): void => {
        used = usage;
        options.onUsage?.(usage);
      };
      return measured(
        begin(undefined),
        () => provider.embed(texts, { ...options, onUsage }),
        () => used,
      );
    },
    countTokens: (text) => provider.countTokens(text),
    health: () => provider.health(),
    metadata: () => provider.metadata(),
    shutdown: () => provider.shutdown(),
  };
}
