import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { loadPrices } from '../../src/config/prices/load-prices.ts';
import { configSchema } from '../../src/config/schema.ts';
import { recordHere } from '../../src/ledger/recorder.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { createLedger } from '../../src/ledger/sqlite-ledger.ts';
import type { JudgedAnswer } from '../../src/patterns/judge.ts';
import { openServer } from '../../src/providers/open-server.ts';
import { isServed, placeOf } from '../../src/rollout/buckets.ts';
import { openRollout, type LiveRollout } from '../../src/rollout/face.ts';
import { FRESH_MS } from '../../src/rollout/follow.ts';
import type { Observation } from '../../src/rollout/observation.ts';
import { planSchema, type PlanFile } from '../../src/rollout/plan.ts';
import { readLog } from '../../src/rollout/read.ts';
import type { RouteRequest } from '../../src/routing/decision.ts';
import type { Router } from '../../src/routing/router.ts';
import { createCharges } from '../../src/ledger/charge.ts';
import { createSessions } from '../../src/routing/sessions.ts';
import { createTargetPool } from '../../src/routing/target-pool.ts';
import { splitSpec } from '../../src/routing/targets.ts';
import { createRouter, type WalkFaces } from '../../src/routing/walk.ts';
import { NO_TELEMETRY } from '../../src/telemetry/telemetry.ts';
import { systemClock as clock } from '../providers/http/loopback.ts';
import { startModelServer, type ModelServer } from '../routing/model-server.ts';
import { ASKED, openStore, quickPlan, type Opened } from './open-store.ts';

interface Live extends Pick<Opened, 'store' | 'control' | 'database'> {
  router: Router;
  live: LiveRollout;
  ledger: Ledger;
  /** `cloud` is the reference, `near` the candidate. */
  cloud: ModelServer;
  near: ModelServer;
  judged: JudgedAnswer[];
  trouble: string[];
  ask: (more?: Partial<RouteRequest>) => ReturnType<Router['complete']>;
  /** All that was observed, once what runs beside is over, or after so many milliseconds cut short. */
  observed: (patience?: number) => Promise<Observation[]>;
}

const ALL = { pairs: 20, requests: 20, days: 0, compare: 100 };
const plan = (more: Partial<PlanFile> = {}) =>
  quickPlan({
    steps: [
      { name: 'shadow', serve: 0, ...ALL },
      { name: 'half', serve: 50, ...ALL },
      { name: 'all', serve: 100, ...ALL },
    ],
    ...more,
  });

async function open(
  of: ReturnType<typeof plan> | undefined,
  {
    lasting = true,
    faces = {},
    score = async () => 5,
  }: {
    lasting?: boolean;
    faces?: WalkFaces;
    score?: (answer: string) => Promise<number | undefined>;
  } = {},
): Promise<Live> {
  const { store, control, database, clock: still } = openStore();
  still.at = Date.now() - 1000;
  if (of !== undefined) control.start({ ...ASKED, plan: of, draft: false });
  const cloud = await startModelServer('cloud');
  const near = await startModelServer('near');
  const config = configSchema.parse({
    servers: {
      near: { kind: 'openai-compatible', url: near.url },
      cloud: { kind: 'openai-compatible', url: cloud.url },
    },
    tiers: { direct: 'near:m', cloud: 'cloud:m' },
    breaker: { failures: 1000 },
  });
  const { servers, tiers, breaker, deadlines, routing } = config;
  const trouble: string[] = [];
  const onTrouble = (error: unknown): void => void trouble.push(String(error));
  const pool = createTargetPool({
    tiers,
    servers,
    breaker,
    totalMs: deadlines.totalMs,
    database,
    clock,
    random: randomInt,
    charges: createCharges(servers, loadPrices(undefined)),
    askServer: async () => undefined,
    embeddedModel: async () => 'none',
    openProvider: async (spec) => {
      const { server: name, model } = splitSpec(spec);
      const server = servers[name];
      if (server === undefined) throw new Error(`no ${name}`);
      return openServer({ name, server, model }, { deadlines, env: {}, clock });
    },
    qualityOf: () => undefined,
    onBreaker: () => {},
    onTrouble,
  });
  const judged: JudgedAnswer[] = [];
  const live = openRollout({
    store,
    grade: async (answer) => {
      judged.push(answer);
      return score(answer.answer);
    },
    clock,
    allPrivate: false,
    lasting,
    onNews: () => {},
    onTrouble,
  });
  const ledger = createLedger(database);
  const router = createRouter({
    settings: routing,
    pool,
    recorder: recordHere(ledger),
    sessions: createSessions({ database, clock, sessionHours: 1, holder: 'test' }),
    telemetry: NO_TELEMETRY,
    clock,
    random: randomInt,
    onEvent: (event) => {
      if (event.type === 'trouble') trouble.push(event.message);
    },
    closeMs: 1000,
    faces: { ...faces, rollout: live },
  });
  let requests = 0;
  let isClosed = false;
  const close = async (): Promise<void> => {
    if (isClosed) return;
    isClosed = true;
    await live.stop();
    await router.close();
    await live.close();
  };
  onTestFinished(close);
  return {
    store,
    control,
    database,
    router,
    live,
    ledger,
    cloud,
    near,
    judged,
    trouble,
    async ask(more) {
      const messages = [{ role: 'user' as const, content: 'Say hello' }];
      const answer = await router.complete({ messages, source: 'library', ...more });
      if (answer.decision.rollout !== undefined) requests += 1;
      return answer;
    },
    async observed(patience = 5000) {
      const rows = (): Observation[] => {
        const log = readLog(store);
        if (log.state !== 'intact') throw new Error(`the log is ${log.state}`);
        return log.entries.flatMap(({ seq }) =>
          store.observations(log.rollout.id, seq, 0, 1000).map(({ observation }) => observation),
        );
      };
      const own = (): number =>
        rows().filter(({ requestId }) => !requestId.startsWith('before')).length;
      const asked = requests;
      await vi.waitUntil(() => own() === asked, { timeout: patience }).catch(() => {});
      await close();
      return rows();
    },
  };
}

/** A session whose bucket is on one side of a share, and in the compared ones or not. */
function sessionWhere(holds: (bucket: number) => boolean): string {
  for (let number = 0; ; number += 1) {
    if (holds(placeOf('salt', `s${number}`).bucket)) return `s${number}`;
  }
}

describe('in the shadow', () => {
  test('gives the caller the reference’s answer, asks the candidate beside it, and grades both', async () => {
    const it = await open(plan(), { score: async (answer) => (answer.startsWith('near') ? 4 : 8) });
    const answer = await it.ask();
    expect(answer).toMatchObject({
      target: 'cloud:m',
      attempts: 1,
      completion: { text: 'cloud: Say hello' },
      decision: { policy: 'rollout', rollout: { rollout: 'r1', arm: 'reference', compare: true } },
    });
    const [observation] = await it.observed();
    expect(observation).toMatchObject({
      rollout: 'r1',
      requestId: answer.requestId,
      arm: 'reference',
      compared: 'done',
      reference: { outcome: 'ok' },
      candidate: { outcome: 'ok', usd: 0 },
      grading: { state: 'scored', candidate: 4, reference: 8 },
    });
    expect(it.judged.map(({ answer: text }) => text)).toEqual([
      'cloud: Say hello',
      'near: Say hello',
    ]);
    expect(it.near.chats).toEqual(it.cloud.chats);
    expect(it.trouble).toEqual([]);
  });

  test('bills what runs beside as a shadow, and not as the answer', async () => {
    const it = await open(plan());
    const { requestId, totalMs } = await it.ask();
    await it.observed();
    const record = it.ledger.find(requestId);
    expect(record?.attempts.map(({ purpose, target }) => [purpose, target])).toEqual([
      ['answer', 'cloud:m'],
      ['shadow', 'near:m'],
    ]);
    expect(record?.ending?.totalMs).toBe(totalMs);
    expect(record?.ending?.answeredTarget).toBe('cloud:m');
  });

  test('keeps nobody waiting for the candidate', async () => {
    const it = await open(plan());
    it.near.mood = 'hang';
    const { completion } = await it.ask();
    expect(completion.text).toBe('cloud: Say hello');
    for (let index = 0; index < 3; index += 1) await it.ask();
    await expect.poll(() => it.near.chats.length).toBe(2);
    const observations = await it.observed(100);
    // Two at once; more are dropped. What was cancelled at the end says nothing of the candidate.
    expect(observations.map(({ compared }) => compared).toSorted()).toEqual([
      'busy',
      'busy',
      'no',
      'no',
    ]);
    expect(observations.map(({ candidate }) => candidate)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  test('has many comparisons under way without a word of a leak', async () => {
    const warnings: string[] = [];
    const hear = ({ message }: Error): void => void warnings.push(message);
    process.on('warning', hear);
    onTestFinished(() => void process.off('warning', hear));
    const it = await open(plan({ shadow: { concurrency: 32, timeoutMs: 60_000 } }));
    it.near.mood = 'hang';
    await Promise.all(Array.from({ length: 12 }, () => it.ask()));
    await expect.poll(() => it.near.chats.length).toBe(12);
    await it.observed(100);
    expect(warnings).toEqual([]);
  });

  test('ends what takes too long, as a failure of the candidate', async () => {
    const it = await open(plan({ shadow: { concurrency: 1, timeoutMs: 1000 } }));
    it.near.mood = 'hang';
    await it.ask();
    const [observation] = await it.observed();
    expect(observation).toMatchObject({
      compared: 'done',
      candidate: { outcome: 'timeout' },
      grading: { state: 'none' },
    });
  });

  test('goes into no session and no memory', async () => {
    const learned: string[] = [];
    const it = await open(plan(), {
      faces: { learn: ({ completion }) => learned.push(completion.text) },
    });
    await it.ask({ session: 'talk' });
    await it.ask({ session: 'talk', messages: [{ role: 'user', content: 'And again' }] });
    await it.observed();
    expect(learned).toEqual(['cloud: Say hello', 'cloud: And again']);
    const turns = [
      { role: 'user', content: 'Say hello' },
      { role: 'assistant', content: 'cloud: Say hello' },
      { role: 'user', content: 'And again' },
    ];
    // The candidate reads the same conversation, in which it never spoke.
    expect(it.cloud.chats.at(-1)).toMatchObject(turns);
    expect(it.near.chats.at(-1)).toMatchObject(turns);
  });

  test('grades no call of a tool, and gives it to nobody', async () => {
    const it = await open(plan());
    it.near.calls = true;
    const parameters = { type: 'object', properties: {} };
    const { completion } = await it.ask({ tools: [{ name: 'rm', parameters }] });
    expect(completion.toolCalls).toBeUndefined();
    const [observation] = await it.observed();
    expect(observation).toMatchObject({
      compared: 'done',
      candidate: { outcome: 'ok' },
      grading: { state: 'unknown' },
    });
    expect(it.judged).toEqual([]);
  });

  test('counts what cannot be told and what could not be graded apart', async () => {
    const scores = [async () => undefined, () => Promise.reject(new Error('no sandbox'))];
    for (const [index, score] of scores.entries()) {
      const it = await open(plan(), { score });
      await it.ask();
      const [observation] = await it.observed();
      expect(observation?.grading).toEqual({ state: ['unknown', 'errored'][index] });
    }
  });

  test('never sees a private prompt, and leaves a named model alone', async () => {
    const it = await open(plan());
    const secret = await it.ask({ private: true });
    expect(secret.target).toBe('near:m');
    expect(secret.decision.rollout).toBeUndefined();
    const named = await it.ask({ model: 'near:m' });
    expect(named.decision.policy).toBe('pinned-model');
    expect(it.cloud.chats).toEqual([]);
    expect(await it.observed()).toEqual([]);
  });

  test('takes in only what the plan’s scope names', async () => {
    const it = await open(
      plan({ scope: { categories: ['code-review'], agents: ['qe-code-reviewer'] } }),
    );
    const within = { category: 'code-review', agent: 'qe-code-reviewer' } as const;
    expect((await it.ask(within)).decision.policy).toBe('rollout');
    expect((await it.ask({ ...within, agent: 'other' })).decision.policy).not.toBe('rollout');
    expect((await it.ask({ ...within, category: 'other' })).decision.policy).not.toBe('rollout');
  });

  test('asks nobody beside in a process that ends with its answer', async () => {
    const it = await open(plan(), { lasting: false });
    const { decision } = await it.ask();
    expect(decision.rollout?.compare).toBe(false);
    const [observation] = await it.observed(0);
    expect(observation).toMatchObject({ compared: 'no', reference: { outcome: 'ok' } });
    expect(it.near.chats).toEqual([]);
  });
});

/** Until every process has heard of a change. */
const heard = (): Promise<void> => sleep(FRESH_MS + 10);

/** Puts the rollout where half of the units are the candidate's. */
async function atHalf({ store, control }: Live): Promise<void> {
  const log = readLog(store);
  if (log.state !== 'intact') throw new Error('no log');
  const { rollout } = log;
  store.observe(
    Array.from({ length: 60 }, (_, index): Observation => ({
      rollout: rollout.id,
      stage: rollout.stage.seq,
      at: rollout.stage.at,
      requestId: `before-${index}`,
      unit: index,
      arm: 'reference',
      category: 'other',
      compared: 'done',
      candidate: { outcome: 'ok', ms: 1, usd: 0 },
      reference: { outcome: 'ok', ms: 1, usd: 0 },
      grading: { state: 'scored', candidate: 9, reference: 9 },
    })),
  );
  control.advance(ASKED);
  await heard();
}

const served = (bucket: number): boolean => isServed(bucket, 50);

describe('on the way up', () => {
  test('keeps a session on its side, and the other side behind it', async () => {
    const it = await open(plan());
    await atHalf(it);
    for (const [arm, first, second] of [
      ['candidate', 'near:m', 'cloud:m'],
      ['reference', 'cloud:m', 'near:m'],
    ] as const) {
      const session = sessionWhere((bucket) => served(bucket) === (arm === 'candidate'));
      for (let turn = 0; turn < 3; turn += 1) {
        const { target, decision } = await it.ask({ session });
        expect([target, decision.rollout?.arm]).toEqual([first, arm]);
        expect(decision.ladder.map(({ spec }) => spec)).toEqual([first, second]);
      }
    }
  });

  test('lets the reference answer where the candidate fails, and counts that against the candidate', async () => {
    const it = await open(plan());
    await atHalf(it);
    it.near.mood = 'missing';
    const session = sessionWhere(served);
    expect((await it.ask({ session })).target).toBe('cloud:m');
    const observations = await it.observed();
    expect(observations.at(-1)).toMatchObject({
      arm: 'candidate',
      candidate: { outcome: 'model-missing' },
      reference: { outcome: 'ok' },
      compared: 'no',
    });
  });

  test('hears of a rollback at once in every process', async () => {
    const it = await open(plan());
    await atHalf(it);
    const session = sessionWhere(served);
    expect((await it.ask({ session })).target).toBe('near:m');
    it.control.rollback({ ...ASKED, way: { kind: 'immediate' } });
    await heard();
    const { target, decision } = await it.ask({ session });
    expect([target, decision.policy]).toEqual(['cloud:m', 'rollout']);
    // The candidate still helps out where the reference cannot.
    expect(decision.ladder.map(({ spec }) => spec)).toEqual(['cloud:m', 'near:m']);
    it.cloud.mood = 'missing';
    expect((await it.ask({ session })).target).toBe('near:m');
  });

  test('leaves nobody but the reference after a complete rollback, and private prompts at home', async () => {
    const it = await open(plan({ scope: { categories: ['code-review'] } }));
    it.control.rollback({ ...ASKED, way: { kind: 'complete' } });
    await heard();
    const { target, decision } = await it.ask({ category: 'other' });
    expect(target).toBe('cloud:m');
    expect(decision.ladder.map(({ spec }) => spec)).toEqual(['cloud:m']);
    it.cloud.mood = 'missing';
    await expect(it.ask()).rejects.toMatchObject({ failure: 'model-missing' });
    expect((await it.ask({ private: true })).target).toBe('near:m');
  });

  test('leaves the candidate alone after two failures in a row after a partial rollback', async () => {
    const it = await open(
      plan({
        steps: [
          { name: 'shadow', serve: 0, ...ALL },
          { name: 'half', serve: 50, ...ALL, compare: 0 },
        ],
      }),
    );
    await atHalf(it);
    it.control.rollback({ ...ASKED, way: { kind: 'partial' } });
    await heard();
    it.near.mood = 'missing';
    const session = sessionWhere((bucket) => isServed(bucket, 20));
    const arms: (string | undefined)[] = [];
    for (let turn = 0; turn < 4; turn += 1) {
      arms.push((await it.ask({ session })).decision.rollout?.arm);
    }
    expect(arms).toEqual(['candidate', 'candidate', 'reference', 'reference']);
  });

  test('gives nothing to the candidate while the log is not as it was written', async () => {
    const it = await open(plan());
    await atHalf(it);
    const session = sessionWhere(served);
    expect((await it.ask({ session })).target).toBe('near:m');
    it.database.exec("UPDATE rollout_log SET text = replace(text, 'ada', 'eve') WHERE seq = 2");
    it.database.exec('UPDATE rollout_head SET seq = seq + 1');
    await heard();
    expect((await it.ask({ session })).target).toBe('cloud:m');
    expect(it.trouble).toEqual([expect.stringContaining('Entry 2 was changed.')]);
  });

  test('steps aside once it is aborted', async () => {
    const it = await open(plan());
    it.control.abort(ASKED);
    await heard();
    expect((await it.ask()).decision.policy).not.toBe('rollout');
  });
});

describe('without a rollout', () => {
  test('has no part in anything', async () => {
    const it = await open(undefined);
    expect((await it.ask()).decision.rollout).toBeUndefined();
    expect(planSchema.parse(plan())).toEqual(plan());
  });
});
