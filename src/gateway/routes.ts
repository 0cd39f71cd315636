import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { AppError } from '../core/errors.ts';
import type { Call } from './dialect.ts';
import { exchange } from './exchange.ts';
import type { GatewayOptions } from './gateway.ts';
import { findModel, listModels } from './models.ts';
import { readChat } from './openai/chat-request.ts';
import { modelBody, modelList } from './openai/models.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answered without a key: it tells nothing of anybody. */
    open?: boolean;
  }
}

export interface RouteOptions extends GatewayOptions {
  stalledMs: number;
  stop: AbortSignal;
}

type ReadCall = (body: unknown, headers: IncomingHttpHeaders) => Call;

/** Declares everything that the gateway answers. */
export function addRoutes(app: FastifyInstance, options: RouteOptions): void {
  const { router, settings, clock, telemetry, version, stop } = options;
  const startedAt = clock.now();
  let inFlight = 0;

  /** Lets no more than `maxInFlight` requests at the router. */
  async function admitted<Result>(work: () => Promise<Result>): Promise<Result> {
    if (inFlight >= settings.maxInFlight) {
      throw new AppError('gateway.busy', `The gateway has ${inFlight} requests already.`);
    }
    inFlight += 1;
    try {
      return await work();
    } finally {
      inFlight -= 1;
    }
  }

  function chat(path: string, read: ReadCall): void {
    app.post(path, async (request, reply) => {
      const { facts, body, headers } = request;
      if (facts === undefined) throw new Error('A request has no facts.');
      const call = read(body, headers);
      await admitted(() => exchange(options, call, { request, reply, facts, stop }));
      return reply;
    });
  }

  app.get('/health', { config: { open: true } }, () => ({ status: 'ok', version, inFlight }));
  app.get('/ready', { config: { open: true } }, async (_request, reply) => {
    const models = await router.models();
    const isReady = models.length > 0;
    return reply
      .code(isReady ? 200 : 503)
      .send({ status: isReady ? 'ready' : 'no model', version });
  });
  app.get('/metrics', async (_request, reply) => {
    await reply.type('text/plain; version=0.0.4; charset=utf-8').send(await telemetry.prometheus());
  });

  chat('/v1/chat/completions', readChat);
  app.get('/v1/models', async () => modelList(listModels(await router.models()), startedAt));
  app.get<{ Params: { '*': string } }>('/v1/models/*', async ({ params }) =>
    modelBody(findModel(await router.models(), params['*']), startedAt),
  );
}
