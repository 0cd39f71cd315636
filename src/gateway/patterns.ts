import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { createAbort } from '../core/abort.ts';
import type { Problem } from '../core/errors.ts';
import { TASK_CATEGORIES } from '../core/task.ts';
import { learnedJson } from '../patterns/learn.ts';
import { scopeSchema } from '../patterns/rows.ts';
import type { PatternService, SearchCall, StoreCall } from '../patterns/service.ts';
import { readOptions } from './options.ts';
import { invalidRequest, parseBody } from './parse.ts';

const vector = z.array(z.number()).min(1).max(8192);
const words = z.string().refine((text) => text.trim() !== '', 'expected some text');
const fraction = z.number().min(0).max(1);

const searchSchema = z.looseObject({
  query: words.optional(),
  embedding: vector.optional(),
  embedder: words.optional(),
  k: z.int().min(1).max(100).default(10),
  category: z.enum(TASK_CATEGORIES).optional(),
  scope: scopeSchema.default({}),
  minConfidence: fraction.optional(),
  unverified: z.boolean().default(false),
});
const metadataSchema = z.looseObject({
  query: words.optional(),
  category: z.enum(TASK_CATEGORIES).optional(),
  scope: scopeSchema.default({}),
  confidence: fraction.optional(),
  agent: words.optional(),
  target: words.optional(),
  expiresAt: z.iso.datetime({ offset: true }).optional(),
  private: z.boolean().optional(),
});
const storeSchema = z.looseObject({
  content: words,
  query: words.optional(),
  metadata: metadataSchema.prefault({}),
  learnFromThis: z.boolean().default(false),
});

/** Declares the pattern store's own API, in the shape that clients of RuVector know. */
export function addPatternRoutes(
  app: FastifyInstance,
  open: () => Promise<PatternService>,
  stop: AbortSignal,
): void {
  app.post('/v1/search', async ({ body, headers }, reply) => {
    const call = readSearch(body, readOptions(headers, undefined).private);
    const found = await (await open()).search(call, leaving(reply, stop));
    return found.map(({ pattern, prompt, ...result }) => ({
      ...result,
      metadata: {
        query: prompt,
        category: pattern.category,
        scope: pattern.scope,
        verified: pattern.verified,
        confidence: pattern.belief.alpha / (pattern.belief.alpha + pattern.belief.beta),
        uses: pattern.uses,
        provenance: pattern.provenance,
      },
    }));
  });
  app.post('/v1/store', async ({ body, headers }, reply) => {
    const call = readStore(body, readOptions(headers, undefined).private);
    const { id, stored } = await (await open()).store(call, leaving(reply, stop));
    return reply.code(stored ? 201 : 200).send({ id, stored });
  });
  app.get('/v1/metrics', async () => (await open()).metrics());
  app.post('/v1/learn/force', async () => learnedJson(await (await open()).learn(stop)));
}

/** @throws AppError `gateway.invalid-request` */
function readSearch(body: unknown, isPrivate = false): SearchCall {
  const { query, embedding, embedder, ...call } = parseBody(searchSchema, body);
  const problems: Problem[] = [];
  if (query === undefined && embedding === undefined) {
    problems.push({ path: 'query', message: 'expected a text, or an embedding' });
  }
  if (query === undefined && embedding !== undefined && embedder === undefined) {
    const message =
      'expected whose vector it is, as in embedded:all-minilm-l6-v2; or send the query';
    problems.push({ path: 'embedder', message });
  }
  if (problems.length > 0) throw invalidRequest(problems);
  const { k, category, scope, minConfidence, unverified } = call;
  const wanted =
    query === undefined ? { embedding: embedding ?? [], embedder: embedder ?? '' } : { query };
  return { wanted, k, category, scope, minConfidence, unverified, private: isPrivate };
}

/** The prompt stands in `query` or `metadata.query`; vectors are made here. @throws AppError `gateway.invalid-request` */
function readStore(body: unknown, isPrivate = false): StoreCall {
  const { content, query, metadata, learnFromThis } = parseBody(storeSchema, body);
  const prompt = query ?? metadata.query;
  if (prompt === undefined) {
    const message = 'expected the prompt that the content answers';
    throw invalidRequest([{ path: 'metadata.query', message }]);
  }
  const { category, scope, confidence, agent, target, expiresAt } = metadata;
  return {
    prompt,
    answer: content,
    category,
    scope,
    confidence,
    agent,
    target,
    expiresAt: expiresAt === undefined ? undefined : Date.parse(expiresAt),
    learn: learnFromThis,
    // What is called private anywhere is private.
    private: isPrivate || metadata.private === true,
  };
}

/** Aborts when the client leaves or the gateway stops. */
function leaving({ raw }: FastifyReply, stop: AbortSignal): AbortSignal {
  const left = createAbort();
  const abort = (): void => left.abort();
  stop.addEventListener('abort', abort, { once: true });
  raw.once('close', () => {
    stop.removeEventListener('abort', abort);
    abort();
  });
  return left.signal;
}
