import { setMaxListeners } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { readMessages, readPrompt } from './anthropic/message-request.ts';
import type { Call } from './dialect.ts';
import { readEmbed, readEmbeddings, readOldEmbeddings, type EmbedCall } from './embeddings.ts';
import { createExchange, type Facts } from './exchange.ts';
import { findModel, listModels, type ListedModel } from './models.ts';
import {
  modelOf,
  readChat as readOllamaChat,
  readGenerate,
  type Preload,
} from './ollama/chat-request.ts';
import { OLLAMA_VERSION, readShow, showModel, tagList } from './ollama/models.ts';
import { readChat } from './openai/chat-request.ts';
import { modelBody, modelList } from './openai/models.ts';
import type { GatewayOptions } from './gateway.ts';
import { addPatternRoutes } from './patterns.ts';
import { addRolloutRoutes } from './rollout/routes.ts';

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

type Read<Result> = (body: unknown, headers: IncomingHttpHeaders) => Result;

/** Declares everything that the gateway answers. */
export function addRoutes(app: FastifyInstance, options: RouteOptions): void {
  const { router, clock, telemetry, version, settings } = options;
  const startedAt = clock.now();
  // As many requests as there are listen to it.
  setMaxListeners(0, options.stop);
  const exchange = createExchange({ ...options, maxInFlight: settings.maxInFlight });
  const models = async (): Promise<ListedModel[]> => listModels(await router.models());

  function completion(path: string, read: Read<Call>): void {
    app.post(path, async (request, reply) => {
      const call = read(request.body, request.headers);
      await exchange.complete(call, { request, reply, facts: factsOf(request) });
      return reply;
    });
  }

  /** As `completion`, for clients that load a model with an empty prompt: here that loads nothing. */
  function ollamaCompletion(path: string, read: Read<Call | Preload>, empty: object): void {
    app.post(path, async (request, reply) => {
      const call = read(request.body, request.headers);
      if (!('preload' in call)) {
        await exchange.complete(call, { request, reply, facts: factsOf(request) });
        return reply;
      }
      const { id } = findModel(await models(), modelOf(call.preload));
      const created = new Date(clock.now()).toISOString();
      return { model: id, created_at: created, ...empty, done: true, done_reason: 'load' };
    });
  }

  function embeddings(path: string, read: Read<EmbedCall>): void {
    app.post(path, async (request, reply) => {
      const call = read(request.body, request.headers);
      await exchange.embed(call, { request, reply, facts: factsOf(request) });
      return reply;
    });
  }

  app.get('/', { config: { open: true } }, () => 'aqe-llm is running');
  app.get('/health', { config: { open: true } }, () => ({
    status: 'ok',
    version,
    inFlight: exchange.inFlight,
  }));
  app.get('/ready', { config: { open: true } }, async (_request, reply) => {
    const isReady = (await router.models()).length > 0;
    return reply.code(isReady ? 200 : 503).send({ status: isReady ? 'ready' : 'no model' });
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(await telemetry.prometheus()),
  );

  addPatternRoutes(app, options.openPatterns, options.stop);
  addRolloutRoutes(app, options.rollout);

  completion('/v1/chat/completions', readChat);
  embeddings('/v1/embeddings', readEmbeddings);
  app.get('/v1/models', async () => modelList(await models(), startedAt));
  app.get<{ Params: { '*': string } }>('/v1/models/*', async ({ params }) =>
    modelBody(findModel(await models(), params['*']), startedAt),
  );

  completion('/v1/messages', readMessages);
  app.post('/v1/messages/count_tokens', async ({ body, headers }) => {
    const { description } = await router.explain(readPrompt(body, headers));
    return { input_tokens: description.promptTokens };
  });

  ollamaCompletion('/api/chat', readOllamaChat, { message: { role: 'assistant', content: '' } });
  ollamaCompletion('/api/generate', readGenerate, { response: '' });
  embeddings('/api/embed', readEmbed);
  embeddings('/api/embeddings', readOldEmbeddings);
  app.get('/api/tags', async () => tagList(await models(), startedAt));
  app.post('/api/show', async ({ body }) =>
    showModel(findModel(await models(), modelOf(readShow(body))), startedAt),
  );
  app.get('/api/version', () => ({ version: OLLAMA_VERSION }));
}

function factsOf({ facts }: FastifyRequest): Facts {
  if (facts === undefined) throw new Error('A request has no facts.');
  return facts;
}
