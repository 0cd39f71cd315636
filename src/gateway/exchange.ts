import type { FastifyReply, FastifyRequest } from 'fastify';
import { createAbort } from '../core/abort.ts';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { RouteAnswer, Router } from '../routing/router.ts';
import { beginDelivery, sendFailure, type Delivery } from './delivery.ts';
import type { AnswerWriter, Call, Dialect } from './dialect.ts';
import type { EmbedCall } from './embeddings.ts';
import { failureOf } from './failures.ts';

/** What is known of a request, for its log line. */
export interface Facts {
  dialect: Dialect;
  /** When it came, on the monotonic clock. */
  startedAt: number;
  stream?: boolean;
  requestId?: string;
  tier?: string;
  target?: string;
  policy?: string;
  inputTokens?: number | undefined;
  outputTokens?: number | undefined;
  /** Code of the error that the client was told. */
  error?: string;
  /** The client did not wait for the end. */
  left?: true;
}

export interface ExchangeOptions {
  router: Pick<Router, 'complete' | 'stream' | 'embed'>;
  clock: Clock;
  /** Milliseconds that a client may leave what was sent to it untaken. */
  stalledMs: number;
  /** Requests at once; the next one is refused. */
  maxInFlight: number;
  /** Aborts when the gateway cannot wait any longer for what runs. */
  stop: AbortSignal;
}

/** One request of a client and where its answer goes. */
export interface Connection {
  request: FastifyRequest;
  reply: FastifyReply;
  facts: Facts;
}

/** Brings requests to the router and answers back. A client that leaves aborts its request. */
export interface Exchange {
  readonly inFlight: number;
  /** What goes wrong is told in the client's dialect, within a stream that has begun as its last event. */
  complete(call: Call, connection: Connection): Promise<void>;
  embed(call: EmbedCall, connection: Connection): Promise<void>;
}

interface Running extends Connection, ExchangeOptions {
  signal: AbortSignal;
  /** There once a stream has begun. */
  delivery?: Delivery;
}

export function createExchange(options: ExchangeOptions): Exchange {
  const { maxInFlight, stop } = options;
  let inFlight = 0;

  async function attend(
    connection: Connection,
    work: (running: Running) => Promise<void>,
  ): Promise<void> {
    if (inFlight >= maxInFlight) {
      throw new AppError('gateway.busy', `The gateway has ${inFlight} requests already.`);
    }
    const { request, reply } = connection;
    const { socket } = request.raw;
    const ended = createAbort();
    const running: Running = { signal: ended.signal, ...connection, ...options };
    const abort = (): void => ended.abort();
    const gone = (): void => {
      running.facts.left = true;
      abort();
    };
    /** Told at once: our side of the connection is closed as soon as this returns. */
    const halfClosed = (): void => {
      fail(running, HALF_CLOSED);
      gone();
    };
    reply.raw.once('close', gone);
    socket.prependListener('end', halfClosed);
    stop.addEventListener('abort', abort, { once: true });
    inFlight += 1;
    try {
      await work(running);
    } catch (error) {
      fail(running, stop.aborted ? stopping() : error);
    } finally {
      inFlight -= 1;
      reply.raw.off('close', gone);
      socket.off('end', halfClosed);
      stop.removeEventListener('abort', abort);
    }
  }

  return {
    get inFlight() {
      return inFlight;
    },
    complete: (call, connection) =>
      attend(connection, (running) => {
        running.facts.stream = call.stream;
        return call.stream ? streamAnswer(running, call) : wholeAnswer(running, call);
      }),
    embed: (call, connection) => attend(connection, (running) => embed(running, call)),
  };
}

async function embed(running: Running, { texts, write, ...asked }: EmbedCall): Promise<void> {
  const { router, facts, signal, clock } = running;
  const embedded = await router.embed(texts, { signal, ...asked });
  facts.target = embedded.target;
  facts.inputTokens = embedded.usage?.inputTokens;
  const body = write({ ...embedded, tookMs: clock.monotonic() - facts.startedAt });
  send(running, { 'x-aqe-model': headerText(embedded.target) }, JSON.stringify(body));
}

async function wholeAnswer(running: Running, call: Call): Promise<void> {
  const { router, facts, signal } = running;
  const answer = await router.complete(call.request, { signal });
  note(facts, answer);
  const headers = { 'x-aqe-overhead-ms': answer.overheadMs.toFixed(3), ...answerHeaders(facts) };
  send(running, headers, writerOf(running, call).whole(answer));
}

/** Does nothing where the client has had an error, or is gone. */
function send({ reply }: Running, headers: Record<string, string>, body: string): void {
  if (reply.sent || reply.raw.destroyed) return;
  void reply.headers(headers).type('application/json; charset=utf-8').send(body);
}

async function streamAnswer(running: Running, call: Call): Promise<void> {
  const { router, facts, signal } = running;
  let writer: AnswerWriter | undefined;
  for await (const event of router.stream(call.request, { signal })) {
    switch (event.type) {
      case 'decided':
        facts.requestId = event.requestId;
        facts.policy = event.decision.policy;
        break;
      case 'committed':
        facts.tier = event.tier;
        facts.target = event.target;
        writer = writerOf(running, call);
        running.delivery = begin(running);
        await running.delivery.write(writer.opening());
        break;
      case 'finished':
        note(facts, event.answer);
        if (event.answer.completion.finishReason === 'cancelled') throw stopping();
        running.delivery?.end(writer?.closing(event.answer) ?? '', {
          'x-aqe-overhead-ms': event.answer.overheadMs.toFixed(3),
        });
        return;
      default: {
        const full = running.delivery?.write(writer?.piece(event) ?? '');
        if (full !== undefined) await full;
      }
    }
  }
  throw new Error('A stream had no end.');
}

function begin({ reply, facts, stalledMs }: Running): Delivery {
  const headers = {
    'content-type': facts.dialect.streamType,
    'cache-control': 'no-cache',
    // Proxies that gather answers are told not to.
    'x-accel-buffering': 'no',
    trailer: 'x-aqe-overhead-ms',
    ...answerHeaders(facts),
  };
  return beginDelivery(reply, headers, stalledMs);
}

function answerHeaders({ tier, target, policy, requestId }: Facts): Record<string, string> {
  return {
    'x-aqe-tier': tier ?? '',
    'x-aqe-model': headerText(target ?? ''),
    'x-aqe-policy': policy ?? '',
    'x-aqe-request-id': requestId ?? '',
  };
}

/** Names of models are any text, and headers are not. */
function headerText(text: string): string {
  return /^[\x21-\x7e]*$/.test(text) ? text : encodeURIComponent(text);
}

function writerOf({ facts, clock }: Running, call: Call): AnswerWriter {
  const { requestId = '', target = '', startedAt } = facts;
  const elapsedMs = (): number => clock.monotonic() - startedAt;
  return call.writer({ requestId, target, now: () => clock.now(), elapsedMs });
}

function note(facts: Facts, { requestId, tier, target, decision, completion }: RouteAnswer): void {
  const { inputTokens, outputTokens } = completion.usage;
  Object.assign(facts, { requestId, tier, target, policy: decision.policy });
  Object.assign(facts, { inputTokens, outputTokens });
}

/** Tells the client in its dialect, as an answer or at the end of a stream that has begun. */
function fail({ delivery, reply, request, facts }: Running, error: unknown): void {
  const failure = failureOf(error);
  facts.error ??= failure.code;
  if (delivery === undefined) sendFailure(reply, facts.dialect, failure, request.id);
  else delivery.end(facts.dialect.failureEvent(failure, request.id));
}

const HALF_CLOSED = new AppError(
  'gateway.half-closed',
  'The connection was closed for writing before the answer was there.',
  { hint: 'Keep it open until the answer has come.' },
);

function stopping(): AppError {
  return new AppError('gateway.stopping', 'The gateway is stopping.');
}
