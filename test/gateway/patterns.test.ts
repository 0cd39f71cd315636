import { randomUUID } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createPatternClient, type PatternClient } from '../../src/patterns/client.ts';
import type { Judgement } from '../../src/patterns/judge.ts';
import { createRecallLog } from '../../src/patterns/recalls.ts';
import { createPatternService } from '../../src/patterns/service.ts';
import { createSqliteStore } from '../../src/patterns/sqlite-store.ts';
import type { PatternStore } from '../../src/patterns/store.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { temporaryFolder } from '../patterns/open-store.ts';
import { patternAt, SPACE, vectorAt } from '../patterns/samples.ts';
import { CLOCK, withGateway, type TestGateway } from './with-gateway.ts';

interface Serving extends TestGateway {
  store: PatternStore;
  client: PatternClient;
}

/** A gateway over a real store; texts `part <n>` have the vector of that number. */
async function serving(
  judgement: Judgement = 'unknown',
  apiKey?: string,
  maySeePrivate = true,
): Promise<Serving> {
  const folder = temporaryFolder();
  const database = openDatabase(folder);
  const store = createSqliteStore({ database, folder, onTrouble: () => {} });
  const service = createPatternService({
    store,
    log: createRecallLog(database),
    embedder: {
      id: SPACE.embedder,
      dimension: async () => SPACE.dimension,
      embed: async (texts) => texts.map((text) => vectorAt(Number(/\d+/.exec(text)?.[0] ?? 0))),
      close: async () => {},
    },
    maySeePrivate,
    judge: async () => judgement,
    clock: CLOCK,
    categoryOf: () => 'other',
    onTrouble: () => {},
  });
  const gateway = await withGateway({ openPatterns: async () => service, apiKey });
  onTestFinished(async () => {
    await gateway.gateway.close();
    await service.close();
    await store.close();
  });
  const key = apiKey === undefined ? {} : { apiKey };
  return { ...gateway, store, client: createPatternClient({ url: gateway.url, ...key }) };
}

describe('the pattern API', () => {
  it('stores once, and finds by text and by vector what is verified', async () => {
    const { client, store } = await serving();
    const pattern = {
      query: 'part 1',
      content: 'one',
      metadata: { category: 'code-review', agent: 'qe-1', confidence: 1 },
    } as const;
    const first = await client.store(pattern);
    expect(first.stored).toBe(true);
    expect(await client.store(pattern)).toEqual({ id: first.id, stored: false });
    expect(store.find(first.id)).toMatchObject({
      verified: 'no',
      category: 'code-review',
      provenance: { source: 'api', agent: 'qe-1' },
    });
    expect(await client.search({ query: 'part 1' })).toEqual([]);
    const [unverified] = await client.search({ query: 'part 1', unverified: true });
    // Nobody's word on its own answer is worth more than that.
    expect(unverified).toMatchObject({ content: 'one', confidence: 0.95 });

    store.add([patternAt(2, { verified: 'review' })], SPACE);
    const embedding = Array.from(vectorAt(2));
    const [byVector] = await client.search({ embedding, embedder: SPACE.embedder });
    expect(byVector).toMatchObject({ id: 'p2', confidence: 0.75 });
    expect(byVector?.metadata).toMatchObject({ query: patternAt(2).pattern.prompt });
    expect(await client.search({ query: 'part 2', category: 'code-review' })).toEqual([]);
  });

  it('takes what clients of RuVector send', async () => {
    const { post } = await serving();
    const stored = await post('/v1/store', {
      content: 'answer',
      metadata: { query: 'part 3', timestamp: 1 },
      learnFromThis: true,
    });
    expect(stored.status).toBe(201);
    const found = await post('/v1/search', {
      query: 'part 3',
      k: 5,
      useGNN: true,
      attentionType: 'multi-head',
    });
    expect(await found.json()).toEqual([]);
  });

  it('remembers nothing private, and shows it to no server that may not see it', async () => {
    const { post, store } = await serving('unknown', undefined, false);
    const isPrivate = { 'x-aqe-private': 'true' };
    const pattern = { query: 'part 1', content: 'one' };
    expect((await post('/v1/store', pattern, isPrivate)).status).toBe(403);
    const said = await post('/v1/store', { ...pattern, metadata: { private: true } });
    expect(await said.json()).toMatchObject({ error: { code: 'patterns.private' } });
    expect((await post('/v1/search', { query: 'part 1' }, isPrivate)).status).toBe(403);
    expect((await post('/v1/search', { query: 'part 1' })).status).toBe(200);
    expect(store.count()).toBe(0);
    const open = await serving();
    expect((await open.post('/v1/search', { query: 'part 1' }, isPrivate)).status).toBe(200);
  });

  it('judges what is learned from by running it, and tells rates together', async () => {
    const { client, store } = await serving('right');
    const { id } = await client.store({ query: 'part 4', content: 'four', learnFromThis: true });
    await expect.poll(() => store.find(id)?.verified).toBe('execution');
    await client.store({ query: 'part 5', content: 'five' });
    expect(await client.metrics()).toEqual({
      patterns: 2,
      verified: 1,
      quarantined: 0,
      ...SPACE,
      recalls: { lookups: 0, hits: 0, labelled: 0, wrong: 0, hitRate: null, wrongHitRate: null },
    });
    expect(await client.forceLearn()).toMatchObject({
      judged: { right: 1, wrong: 0, unknown: 0 },
      patterns: 2,
      merges: [],
      left: 2,
    });
    expect(await client.metrics()).toMatchObject({ verified: 2 });
  });

  it.each([
    ['/v1/search', {}, 'query'],
    ['/v1/search', { embedding: [1, 2] }, 'embedder'],
    ['/v1/search', { query: 'a', k: 0 }, 'k'],
    ['/v1/search', { embedding: [1, 2], embedder: SPACE.embedder }, 'dimensions'],
    ['/v1/search', { embedding: Array.from(vectorAt(1)), embedder: 'other:one' }, 'other:one'],
    ['/v1/store', { content: 'a' }, 'metadata.query'],
    ['/v1/store', { content: ' ', query: 'b' }, 'content'],
    ['/v1/store', { content: 'a', query: 'b', metadata: { category: 'x' } }, 'metadata.category'],
  ])('refuses %s %j', async (path, body, said) => {
    const { post, store } = await serving();
    store.add([patternAt(1)], SPACE);
    const response = await post(path, body);
    expect(response.status).toBe(400);
    expect(JSON.stringify(await response.json())).toContain(said);
    expect(store.count()).toBe(1);
  });

  it('asks for the key, and the client says what is wrong', async () => {
    const { url, client } = await serving('unknown', randomUUID());
    expect((await client.metrics()).patterns).toBe(0);
    const stranger = createPatternClient({ url });
    await expect(stranger.metrics()).rejects.toMatchObject({ code: 'patterns.remote' });
    const nobody = createPatternClient({ url: 'http://127.0.0.1:9' });
    await expect(nobody.search({ query: 'a' })).rejects.toThrow('127.0.0.1:9/v1/search');
  });
});
