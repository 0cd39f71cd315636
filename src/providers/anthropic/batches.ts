import type { Completion, CompletionRequest } from '../../core/request.ts';
import { classify } from '../classify.ts';
import { ProviderFailure } from '../failure.ts';
import { watchDeadlines } from '../http/deadlines.ts';
import type { CallOptions } from '../provider.ts';
import { createAnthropicClient, failureOf } from './client.ts';
import type { AnthropicClientOptions } from './client.ts';
import { completionOf } from './events.ts';
import { requestBody } from './request-body.ts';

export interface AnthropicBatchesOptions extends AnthropicClientOptions {
  model: string;
}

export interface BatchItem {
  /** Finds the answer again: 1–64 letters, digits, `-` and `_`, once in a batch. */
  key: string;
  request: CompletionRequest;
}

/** How far a batch has come; every request is counted once. */
export interface BatchProgress {
  state: 'running' | 'ended';
  running: number;
  succeeded: number;
  /** Refused, cancelled, or not begun within a day. */
  failed: number;
}

export type BatchOutcome =
  | { key: string; state: 'answered'; completion: Completion }
  | { key: string; state: 'failed'; failure: ProviderFailure };

/** Message Batches: half the price, an answer within 24 hours, at most 100,000 requests. */
export interface AnthropicBatches {
  /** @returns the id of the batch, under which it is found again by any process with the same key */
  submit(items: readonly BatchItem[], options?: CallOptions): Promise<string>;
  poll(batchId: string, options?: CallOptions): Promise<BatchProgress>;
  /** In any order. Only a batch that has ended has results. */
  results(batchId: string, options?: CallOptions): AsyncIterable<BatchOutcome>;
  /** Safe to call twice. */
  shutdown(): Promise<void>;
}

/** A day: how long the results of a large batch may be read depends on the reader. */
const RESULTS_MS = 86_400_000;

export function createAnthropicBatches(options: AnthropicBatchesOptions): AnthropicBatches {
  const { model, deadlines, clock } = options;
  const client = createAnthropicClient(options);
  return {
    async submit(items, { signal } = {}) {
      const requests = items.map(({ key, request }) => ({
        custom_id: key,
        params: requestBody(model, request),
      }));
      const batch = await client.ask(
        (sdk, call) => sdk.messages.batches.create({ requests }, call),
        signal,
        // Up to 256 MB are sent.
        deadlines.totalMs,
      );
      return batch.id;
    },
    async poll(batchId, { signal } = {}) {
      const { processing_status: status, request_counts: counts } = await client.ask(
        (sdk, call) => sdk.messages.batches.retrieve(batchId, {}, call),
        signal,
      );
      return {
        state: status === 'ended' ? 'ended' : 'running',
        running: counts.processing,
        succeeded: counts.succeeded,
        failed: counts.errored + counts.canceled + counts.expired,
      };
    },
    async *results(batchId, { signal } = {}) {
      const limits = { ...deadlines, totalMs: RESULTS_MS };
      const watch = watchDeadlines({ deadlines: limits, clock, signal });
      try {
        const sdk = await client.sdk();
        const lines = await sdk.messages.batches.results(batchId, {}, { signal: watch.signal });
        for await (const { custom_id: key, result } of lines) {
          watch.hold();
          if (result.type === 'succeeded') {
            yield { key, state: 'answered', completion: completionOf(model, result.message) };
          } else {
            const body = result.type === 'errored' ? result.error : undefined;
            yield { key, state: 'failed', failure: failureOfItem(result.type, body) };
          }
          watch.progress();
        }
        // The SDK ends an aborted stream as if it were whole.
        watch.signal.throwIfAborted();
      } catch (error) {
        throw await failureOf(error, watch.signal);
      } finally {
        watch.end();
      }
    },
    shutdown: () => client.close(),
  };
}

function failureOfItem(type: 'errored' | 'canceled' | 'expired', body: unknown): ProviderFailure {
  if (type === 'canceled') return new ProviderFailure('cancelled', 'The batch was cancelled.');
  if (type === 'expired') {
    return new ProviderFailure('timeout', 'The batch ended before the request was begun.');
  }
  const { failure, message } = classify({ status: 200, body });
  return new ProviderFailure(failure, message);
}
