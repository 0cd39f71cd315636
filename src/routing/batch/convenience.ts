import type { Clock } from '../../core/clock.ts';
import { AppError, messageOf } from '../../core/errors.ts';
import type { CompletionRequest } from '../../core/request.ts';
import type { Charges } from '../../ledger/charge.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { AnthropicBatches } from '../../providers/anthropic/batches.ts';
import { failureClassOf, traitsOf } from '../../providers/failure.ts';
import type { RouteRequest } from '../decision.ts';
import type { Router } from '../router.ts';
import type { BatchFile, SubmittedBatch } from './batch-file.ts';
import { settle } from './convenient-answer.ts';
import type { BatchEvent } from './event.ts';
import type { BatchGroup } from './groups.ts';
import type { BatchOutcome } from './result.ts';

export interface ConvenienceOptions {
  /** Whether new requests are sent so. What earlier runs sent is taken up in any case. */
  enabled: boolean;
  /** The batches of a target; `undefined` where it has none. */
  batchesOf: (target: string) => AnthropicBatches | undefined;
  /** What is sent for a request, with what it leaves out. */
  fill: (request: RouteRequest) => CompletionRequest;
  ledger: Pick<Ledger, 'begin' | 'end' | 'find' | 'event'>;
  charges: Charges;
  /** Milliseconds between two looks at a batch. */
  pollMs?: number;
  router: Pick<Router, 'explain'>;
  file: BatchFile;
  clock: Clock;
}

/** A provider's batch and the lines that wait for it. */
export interface WaitingBatch extends SubmittedBatch {
  groups: ReadonlyMap<number, BatchGroup>;
}

/** Requests that may wait a day, at half the price. */
export interface Convenience {
  /** Sends what may wait, and finds what earlier runs sent; `others` go the ordinary way. */
  submit(
    groups: readonly BatchGroup[],
    tell: (event: BatchEvent) => void,
    signal: AbortSignal,
  ): Promise<{ waiting: readonly WaitingBatch[]; others: readonly BatchGroup[] }>;
  /** Waits until every batch has ended, and records its answers. */
  collect(
    waiting: readonly WaitingBatch[],
    options: {
      record: (group: BatchGroup, outcome: BatchOutcome) => void;
      tell: (event: BatchEvent) => void;
      signal: AbortSignal;
    },
  ): Promise<void>;
  close(): Promise<void>;
}

const POLL_MS = 30_000;
/** Half of what the provider takes in one batch, so that a body is never refused for its size. */
const MOST_REQUESTS = 50_000;
const MOST_BYTES = 128_000_000;
export function createConvenience(options: ConvenienceOptions): Convenience {
  const { enabled, batchesOf, fill, ledger, router, file, clock, pollMs = POLL_MS } = options;
  const opened = new Map<string, AnthropicBatches>();
  const settling = { ledger, router, clock, charges: options.charges };

  function open(target: string): AnthropicBatches | undefined {
    const batches = opened.get(target) ?? batchesOf(target);
    if (batches !== undefined) opened.set(target, batches);
    return batches;
  }

  /** Where a request would be sent to wait; `undefined` for one that is asked at once. */
  async function targetOf(request: RouteRequest): Promise<string | undefined> {
    if (request.private === true || !mayBeSent(request)) return undefined;
    try {
      const { ladder, strategy } = await router.explain({ ...request, source: 'batch' });
      const [first] = ladder;
      if (strategy === 'privacy-first') return undefined;
      const waits = first.tier === 'cloud' && !first.maySeePrivate && first.emergencyOnly !== true;
      return waits && open(first.spec) !== undefined ? first.spec : undefined;
    } catch {
      // The call itself will say what is wrong.
      return undefined;
    }
  }

  async function send(
    target: string,
    groups: readonly BatchGroup[],
    signal: AbortSignal,
  ): Promise<WaitingBatch> {
    const items = groups.map(([{ line, request }]) => ({
      key: keyOf(line),
      request: fill(request),
    }));
    const id = await batchesAt(target).submit(items, { signal });
    const batch = { id, target, at: clock.now(), lines: groups.map(([{ line }]) => line) };
    file.recordSubmitted(batch);
    const detail = { batch: id, target, requests: groups.length };
    ledger.event({ at: batch.at, kind: 'batch-submitted', detail });
    return { ...batch, groups: byLine(groups) };
  }

  function batchesAt(target: string): AnthropicBatches {
    const batches = open(target);
    if (batches !== undefined) return batches;
    throw new AppError('batch.no-batches', `Requests wait at ${target}, which is not known now.`, {
      hint: 'Configure it as it was when they were sent, then run the same command again.',
    });
  }

  /** Asked once more where the answer is late or lost; the provider keeps it. */
  async function look(
    batch: WaitingBatch,
    record: (group: BatchGroup, outcome: BatchOutcome) => void,
    signal: AbortSignal,
  ): Promise<{ ended: boolean; running: number }> {
    const batches = batchesAt(batch.target);
    try {
      const { state, running } = await batches.poll(batch.id, { signal });
      if (state === 'running') return { ended: false, running };
      for await (const answered of batches.results(batch.id, { signal })) {
        const group = batch.groups.get(lineOf(answered.key));
        if (group !== undefined && !file.has(group[0].line)) {
          record(group, await settle(batch, group, answered, settling));
        }
      }
    } catch (error) {
      signal.throwIfAborted();
      const failure = failureClassOf(error);
      if (failure === undefined || !traitsOf(failure).retryable) throw lost(batch, error);
      return { ended: false, running: batch.groups.size };
    }
    for (const group of batch.groups.values()) {
      if (file.has(group[0].line)) continue;
      const message = `The batch ${batch.id} ended without an answer for this request.`;
      record(group, { ok: false, error: { code: 'provider.malformed', message } });
    }
    return { ended: true, running: 0 };
  }

  return {
    async submit(groups, tell, signal) {
      const waiting: WaitingBatch[] = [];
      const mine = byLine(groups);
      for (const batch of file.submitted) {
        const theirs = batch.lines.flatMap((line) => {
          const group = mine.get(line);
          return group === undefined ? [] : [group];
        });
        if (theirs.length === 0) continue;
        waiting.push({ ...batch, groups: byLine(theirs) });
        for (const line of batch.lines) mine.delete(line);
        tell(submittedEvent(batch.id, batch.target, theirs.length, true));
      }
      if (!enabled) return { waiting, others: [...mine.values()] };
      const others: BatchGroup[] = [];
      const targets = new Map<string, BatchGroup[]>();
      for (const group of mine.values()) {
        const target = await targetOf(group[0].request);
        if (target === undefined) others.push(group);
        else targets.set(target, [...(targets.get(target) ?? []), group]);
      }
      for (const [target, theirs] of targets) {
        for (const part of partsOf(theirs)) {
          signal.throwIfAborted();
          const batch = await send(target, part, signal);
          waiting.push(batch);
          tell(submittedEvent(batch.id, target, part.length, false));
        }
      }
      return { waiting, others };
    },
    async collect(waiting, { record, tell, signal }) {
      let running = waiting;
      while (running.length > 0) {
        const still: WaitingBatch[] = [];
        for (const batch of running) {
          const seen = await look(batch, record, signal);
          if (seen.ended) continue;
          still.push(batch);
          tell({
            type: 'waiting',
            batch: batch.id,
            requests: batch.groups.size,
            running: seen.running,
          });
        }
        running = still;
        if (running.length > 0) await clock.sleep(pollMs, signal);
      }
    },
    async close() {
      await Promise.all([...opened.values()].map((batches) => batches.shutdown()));
    },
  };
}

/** What the API of batches cannot hold a model to is asked at once, where another target may take it. */
function mayBeSent({ responseFormat, temperature = 0 }: RouteRequest): boolean {
  return responseFormat?.type !== 'json' && temperature <= 1;
}

/** Of fixed length: no request's id begins with another's. */
function keyOf(line: number): string {
  return `line-${String(line).padStart(9, '0')}`;
}

function lineOf(key: string): number {
  return Number(key.replace('line-', ''));
}

function byLine(groups: readonly BatchGroup[]): Map<number, BatchGroup> {
  return new Map(groups.map((group) => [group[0].line, group]));
}

function* partsOf(groups: readonly BatchGroup[]): Generator<readonly BatchGroup[]> {
  let part: BatchGroup[] = [];
  let bytes = 0;
  for (const group of groups) {
    const more = Buffer.byteLength(JSON.stringify(group[0].request));
    if (part.length > 0 && (part.length === MOST_REQUESTS || bytes + more > MOST_BYTES)) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(group);
    bytes += more;
  }
  if (part.length > 0) yield part;
}

function submittedEvent(
  batch: string,
  target: string,
  requests: number,
  earlier: boolean,
): BatchEvent {
  return { type: 'submitted', batch, target, requests, earlier };
}

function lost(batch: WaitingBatch, cause: unknown): AppError {
  if (!(cause instanceof AppError)) throw cause;
  return new AppError(
    'batch.lost',
    `The batch ${batch.id} at ${batch.target} cannot be read: ${messageOf(cause)}`,
    {
      hint: 'Its answers are kept for some weeks, for the key that sent it: put that key back and run the same command again, or begin anew with --force.',
      cause,
    },
  );
}
