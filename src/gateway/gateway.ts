import type { ServerResponse } from 'node:http';
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../core/clock.ts';
import { AppError, messageOf } from '../core/errors.ts';
import type { PatternService } from '../patterns/service.ts';
import type { RolloutView } from '../rollout/view.ts';
import type { Router } from '../routing/router.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { createAccess } from './access.ts';
import { answerClientErrors, remember } from './client-errors.ts';
import { dialectFor } from './dialects.ts';
import { sendFailure } from './delivery.ts';
import type { Facts } from './exchange.ts';
import { failureOf } from './failures.ts';
import type { LogEntry } from './log.ts';
import { addRoutes } from './routes.ts';

declare module 'fastify' {
  interface FastifyRequest {
    facts: Facts | undefined;
  }
}

/** Milliseconds. */
export interface GatewayTimes {
  /** For the headers of a request. */
  headersMs: number;
  /** For a whole request, its body included. */
  requestMs: number;
  /** That a client may leave what was sent to it untaken. */
  stalledMs: number;
  /** That what runs may still take when the gateway is closed. */
  stopMs: number;
}

export const GATEWAY_TIMES: GatewayTimes = {
  headersMs: 20_000,
  requestMs: 60_000,
  stalledMs: 60_000,
  stopMs: 30_000,
};

export interface GatewayOptions {
  router: Router;
  /** The pattern store, opened when somebody first asks for it. */
  openPatterns: () => Promise<PatternService>;
  /** Where the rollout is; absent where there are none. */
  rollout?: () => RolloutView;
  settings: Config['gateway'];
  /** Asked of every client where it is given. */
  apiKey?: string | undefined;
  log: (entry: LogEntry) => void;
  telemetry: Telemetry;
  clock: Clock;
  version: string;
  /** An id for a request that brings none. */
  newId: () => string;
  times?: GatewayTimes;
}

export interface Gateway {
  /** The address that clients are pointed at. @throws AppError `gateway.cannot-listen` */
  listen(): Promise<string>;
  /**
   * Takes no more requests and waits for what runs; what takes longer than `stopMs` is told so and
   * aborted. The router stays open.
   */
  close(): Promise<void>;
}

/** As others log it: nobody was there to be answered. */
const CLIENT_LEFT = 499;
const REQUEST_ID = /^[\w.:-]{1,128}$/;

/**
 * The router behind the APIs of OpenAI, Anthropic and Ollama.
 * @throws AppError `gateway.key-needed`
 */
export function createGateway(options: GatewayOptions): Gateway {
  const { settings, clock, times = GATEWAY_TIMES } = options;
  const access = createAccess({ host: settings.host, apiKey: options.apiKey });
  const stop = new AbortController();
  let isStopping = false;

  const app = fastify({
    bodyLimit: settings.maxBodyBytes,
    requestTimeout: times.requestMs,
    http: {
      headersTimeout: times.headersMs,
      connectionsCheckingInterval: Math.min(times.headersMs / 4, 5000),
    },
    forceCloseConnections: 'idle',
    // Ours says so in the client's dialect.
    return503OnClosing: false,
    requestIdHeader: false,
    genReqId: ({ headers }) => {
      const given = headers['x-request-id'];
      return typeof given === 'string' && REQUEST_ID.test(given) ? given : options.newId();
    },
    clientErrorHandler: answerClientErrors,
  });
  app.decorateRequest('facts', undefined);
  takeAnyJson(app);

  app.addHook('onRequest', (request, reply, done) => {
    const dialect = dialectFor(request.raw);
    const facts: Facts = { dialect, startedAt: clock.monotonic() };
    request.facts = facts;
    remember(request.raw.socket, dialect);
    reply.raw.setHeader('x-request-id', request.id);
    if (dialect.name === 'anthropic') reply.raw.setHeader('request-id', request.id);
    reply.raw.once('close', () => {
      report(options, facts, request, reply.raw);
      // Nobody waits for a connection that its client keeps for later.
      if (isStopping) setImmediate(() => app.server.closeIdleConnections());
    });
    if (isStopping) throw new AppError('gateway.stopping', 'The gateway is stopping.');
    access.checkHost(request.headers);
    if (request.routeOptions.config.open !== true) access.checkKey(request.headers);
    done();
  });
  app.setErrorHandler((error, request, reply) => {
    const failure = failureOf(error);
    const dialect = dialectFor(request.raw);
    if (request.facts !== undefined) request.facts.error = failure.code;
    sendFailure(reply, dialect, failure, request.id);
  });
  app.setNotFoundHandler(({ method, url }) => {
    throw new AppError('gateway.unknown-route', `There is no ${method} ${pathOf(url)} here.`);
  });
  addRoutes(app, { ...options, stalledMs: times.stalledMs, stop: stop.signal });

  return {
    async listen() {
      const { host, port } = settings;
      const address = await app.listen({ host, port }).catch((error: unknown) => {
        throw new AppError('gateway.cannot-listen', messageOf(error), {
          hint: 'Another program may listen there; choose another port with --port.',
          cause: error,
        });
      });
      return urlOf(host, new URL(address).port);
    },
    async close() {
      isStopping = true;
      const late = setTimeout(() => {
        stop.abort();
        // Whoever does not take what is left is not waited for.
        setTimeout(() => app.server.closeAllConnections(), 1000).unref();
      }, times.stopMs);
      await app.close();
      clearTimeout(late);
    },
  };
}

/** Clients of Ollama send JSON under any name or none. */
function takeAnyJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<string>('*', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, JSON.parse(body));
    } catch {
      // The parser's own words quote the body.
      done(new AppError('gateway.not-json', 'The body is not JSON.'));
    }
  });
}

/** Tells the log and telemetry what became of a request. */
function report(
  { log, telemetry, clock }: GatewayOptions,
  { dialect, startedAt, ...facts }: Facts,
  { id, method, routeOptions }: FastifyRequest,
  { headersSent, statusCode }: ServerResponse,
): void {
  const route = routeOptions.url ?? 'unknown';
  const status = facts.left === true || !headersSent ? CLIENT_LEFT : statusCode;
  const totalMs = clock.monotonic() - startedAt;
  telemetry.httpAnswered({ method, route, status, totalMs });
  log({
    at: new Date(clock.now()).toISOString(),
    id,
    method,
    route,
    status,
    ms: Math.round(totalMs * 1000) / 1000,
    dialect: dialect.name,
    ...facts,
  });
}

function pathOf(url: string): string {
  return url.replace(/\?.*/s, '');
}

/** Where it listens, as clients on this machine say it. */
function urlOf(host: string, port: string): string {
  const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}
