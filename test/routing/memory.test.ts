import { describe, expect, it, onTestFinished } from 'vitest';
import { createPatternCache } from '../../src/patterns/cache.ts';
import type { JudgedAnswer, Judgement } from '../../src/patterns/judge.ts';
import { createRecallLog, type RecallLog } from '../../src/patterns/recalls.ts';
import { createSqliteStore } from '../../src/patterns/sqlite-store.ts';
import type { PatternStore } from '../../src/patterns/store.ts';
import type { Decision, Remembered, RouteRequest, Rung } from '../../src/routing/decision.ts';
import { describe as describeRequest } from '../../src/routing/describe.ts';
import { createMemory, type Memory } from '../../src/routing/memory.ts';
import type { Walked } from '../../src/routing/walk.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { temporaryFolder } from '../patterns/open-store.ts';
import { patternAt, SPACE, vectorAt } from '../patterns/samples.ts';

const PROMPT = patternAt(1).pattern.prompt;
const CLOCK = {
  now: () => 5000,
  monotonic: () => performance.now(),
  sleep: () => Promise.resolve(),
};

interface Opened {
  memory: Memory;
  store: PatternStore;
  log: RecallLog;
  /** What the judge was asked. */
  asked: JudgedAnswer[];
  troubles: unknown[];
}

/** A memory over a real store, whose judge says what it is told. */
function open(
  mode: 'shadow' | 'on',
  judge: () => Judgement | Promise<Judgement> = () => 'unknown',
  options: { maySeePrivate?: boolean; allPrivate?: boolean } = {},
): Opened {
  const folder = temporaryFolder();
  const database = openDatabase(folder);
  const store = createSqliteStore({ database, folder, onTrouble: () => {} });
  const log = createRecallLog(database);
  const asked: JudgedAnswer[] = [];
  const troubles: unknown[] = [];
  const embedder = {
    id: SPACE.embedder,
    dimension: async () => SPACE.dimension,
    embed: async (texts: readonly string[]) =>
      texts.map((text) => vectorAt(Number(/\d+/.exec(text)?.[0] ?? 0))),
    close: async () => {},
  };
  const memory = createMemory({
    store,
    log,
    embedder,
    cache: createPatternCache({
      store,
      log,
      embedder,
      clock: CLOCK,
      random: (n) => n - 1,
      mode,
      delta: 0.02,
    }),
    judge: async (judged) => {
      asked.push(judged);
      return judge();
    },
    clock: CLOCK,
    augment: true,
    ttlMs: 1000,
    maySeePrivate: true,
    allPrivate: false,
    onTrouble: (error) => troubles.push(error),
    ...options,
  });
  onTestFinished(async () => {
    await memory.close();
    await store.close();
  });
  return { memory, store, log, asked, troubles };
}

/** A request's way through the walk, as far as memory sees it. */
async function route(
  { memory }: Opened,
  answer: string,
  change: Partial<RouteRequest> = {},
): Promise<Remembered> {
  const request = { messages: [{ role: 'user', content: PROMPT } as const], ...change };
  const description = describeRequest({ ...request, category: 'test-generation' });
  const requestId = `r${Math.random()}`;
  const remembered = await memory.recall({ request, description, requestId });
  const { reuse } = remembered;
  const rung: Rung = {
    tier: reuse === undefined ? 'direct' : 'orchestrated',
    spec: reuse === undefined ? 'near:m' : `memory:${reuse.id}`,
    maySeePrivate: true,
  };
  const decision: Decision = {
    policy: 'test',
    narrowedBy: [],
    strategy: 'adaptive',
    description,
    ladder: [rung],
    confidence: 1,
    reasons: [],
    rejected: [],
    neighbours: [],
  };
  const text = reuse?.answer ?? answer;
  const walked: Walked = {
    requestId,
    request,
    decision,
    rung,
    remembered,
    completion: {
      model: rung.spec,
      text,
      finishReason: 'stop',
      usage: {},
      timing: { measured: true },
    },
  };
  memory.learn(walked);
  return remembered;
}

const KEPT = { verified: 'review', answer: 'kept' } as const;

describe('memory', () => {
  it('finds out while nobody waits how what it gave turned out', async () => {
    const opened = open('on', () => 'right');
    opened.store.add([patternAt(1, KEPT)], SPACE);
    expect((await route(opened, 'not asked')).reuse).toMatchObject({ id: 'p1', answer: 'kept' });
    await expect.poll(() => opened.log.rates(0).labelled).toBe(1);
    expect(opened.asked).toEqual([{ prompt: PROMPT, answer: 'kept', category: 'test-generation' }]);
    expect(opened.store.find('p1')).toMatchObject({
      uses: 1,
      outcomes: { good: 1, bad: 0 },
      belief: { alpha: 4, beta: 1 },
    });
    expect(opened.log.rates(0)).toMatchObject({ lookups: 1, hits: 1, wrong: 0, wrongHitRate: 0 });
  });

  it('keeps an answer from use that is wrong for its own prompt', async () => {
    const opened = open('shadow', () => 'wrong');
    opened.store.add([patternAt(1, KEPT)], SPACE);
    expect((await route(opened, 'fresh')).reuse).toBeUndefined();
    await expect.poll(() => opened.store.find('p1')?.quarantine).toContain('wrong');
    expect(opened.log.rates(0)).toMatchObject({ hits: 1, wrong: 1, wrongHitRate: 1 });
    expect(opened.store.find('p1')?.outcomes).toEqual({ good: 0, bad: 1 });
  });

  it('takes a model that says the same at its word', async () => {
    const opened = open('shadow', () => 'wrong');
    opened.store.add([patternAt(1, KEPT)], SPACE);
    await route(opened, ' kept\n');
    await expect.poll(() => opened.log.rates(0).labelled).toBe(1);
    expect(opened.asked).toEqual([]);
    expect(opened.store.find('p1')?.outcomes).toEqual({ good: 1, bad: 0 });
  });

  it('verifies what it learns by running it, and keeps what is wrong from use', async () => {
    for (const [judgement, change] of [
      ['right', { verified: 'execution', belief: { alpha: 9, beta: 1 } }],
      ['wrong', { verified: 'no', quarantine: 'wrong when it was run' }],
      ['unknown', { verified: 'no', belief: { alpha: 1, beta: 1 } }],
    ] as const) {
      const opened = open('on', () => judgement);
      await route(opened, 'fresh', { scope: { repository: 'shop' }, agent: 'qe' });
      await expect.poll(() => opened.asked.length).toBe(1);
      await expect
        .poll(() => opened.store.list()[0])
        .toMatchObject({
          answer: 'fresh',
          scope: { repository: 'shop' },
          expiresAt: 6000,
          provenance: { source: 'route', target: 'near:m', agent: 'qe' },
          ...change,
        });
    }
  });

  it('lets an answer that has expired make room', async () => {
    const opened = open('on');
    opened.store.add([patternAt(1, { ...KEPT, expiresAt: 4999 })], SPACE);
    await route(opened, 'fresh');
    await expect
      .poll(() => opened.store.find('p1'))
      .toMatchObject({
        answer: 'fresh',
        verified: 'no',
        expiresAt: 6000,
      });
    expect(opened.store.count()).toBe(1);
  });

  it('neither embeds nor remembers what is private where it may not', async () => {
    const opened = open('on', undefined, { maySeePrivate: false });
    opened.store.add([patternAt(1, KEPT)], SPACE);
    expect(await route(opened, 'fresh', { private: true })).toEqual({ neighbours: [] });
    const always = open('on', undefined, { allPrivate: true });
    await route(always, 'fresh');
    expect(always.store.count()).toBe(0);
    expect(opened.store.count()).toBe(1);
  });

  it('tells once that nothing can be judged, and ends without waiting for it', async () => {
    const opened = open('on', () => {
      throw new Error('no sandbox');
    });
    await route(opened, 'fresh');
    await expect.poll(() => opened.troubles).toHaveLength(1);
    await route(opened, 'again', { scope: { tenant: 'other' } });
    await expect.poll(() => opened.store.count()).toBe(2);
    await expect.poll(() => opened.asked.length).toBe(2);
    expect(opened.troubles).toHaveLength(1);

    const slow = open('on', () => new Promise((resolve) => setTimeout(resolve, 50, 'right')));
    await route(slow, 'fresh');
    await slow.memory.close();
    expect(slow.store.count()).toBe(1);
  });
});
