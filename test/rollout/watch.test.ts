import { describe, expect, test } from 'vitest';
import { createFollower } from '../../src/rollout/follow.ts';
import type { Observation } from '../../src/rollout/observation.ts';
import { readLog } from '../../src/rollout/read.ts';
import { createWatch, type RolloutNews, type Watch } from '../../src/rollout/watch.ts';
import { ASKED, HOUR_MS, openStore, quickPlan, START, type Opened } from './open-store.ts';

interface Watched extends Opened {
  watch: Watch;
  news: RolloutNews[];
  trouble: unknown[];
  /** Ticks as a process that looks now. */
  tick: () => void;
}

function watched(opened: Opened): Watched {
  const { store, clock } = opened;
  const news: RolloutNews[] = [];
  const trouble: unknown[] = [];
  const onTrouble = (error: unknown): void => void trouble.push(error);
  const follower = createFollower({ store, clock, onTrouble });
  const watch = createWatch({ store, follower, clock, onNews: (it) => news.push(it), onTrouble });
  return {
    ...opened,
    watch,
    news,
    trouble,
    tick: () => {
      follower.refresh();
      watch.tick();
    },
  };
}

function begun(plan = quickPlan(), steps = 0): Watched {
  const it = watched(openStore());
  it.control.start({ ...ASKED, plan, draft: false });
  for (let step = 0; step < steps; step += 1) {
    if (step === 2) {
      it.observe(80, { arm: 'candidate' });
      it.observe(20, { arm: 'reference' });
    } else it.observe(100);
    it.control.advance(ASKED);
  }
  return it;
}

const bad = (candidate: number): Partial<Observation> => ({
  grading: { state: 'scored', candidate, reference: 9 },
});
const dead: Partial<Observation> = {
  candidate: { outcome: 'transport', ms: 3 },
  grading: { state: 'none' },
};

describe('what happens without a person', () => {
  test('goes down by 20 points on proven harm, and waits there for a person', () => {
    const it = begun(quickPlan(), 2);
    it.observe(200, bad(4.5));
    it.tick();
    expect(it.news).toMatchObject([{ event: 'stepped-down', serve: 60 }]);
    expect(it.news[0]?.why).toMatch(/^quality 50 % .* proven, E /);
    expect(it.state()).toBe('paused');
    // What was observed before says nothing of the smaller share.
    it.tick();
    expect(it.news).toHaveLength(1);
    it.observe(200, bad(4.5));
    it.tick();
    it.observe(200, bad(4.5));
    it.tick();
    it.observe(200, bad(4.5));
    it.tick();
    expect(it.news.map(({ serve }) => serve)).toEqual([60, 40, 20, 0]);
    expect(it.state()).toBe('rolled_back');
  });

  test('goes to nothing at once where much is wrong', () => {
    for (const more of [dead, bad(1)]) {
      const it = begun(quickPlan(), 2);
      it.observe(120, more);
      it.tick();
      expect(it.news).toMatchObject([{ event: 'rolled-back', serve: 0 }]);
      expect(it.state()).toBe('rolled_back');
    }
  });

  test('writes down what it acted on', () => {
    const it = begun(quickPlan(), 1);
    it.observe(60, dead);
    it.tick();
    const log = readLog(it.store);
    expect(log.state === 'intact' && log.entries.at(-1)?.entry).toMatchObject({
      actor: 'guardrail',
      event: { type: 'rolled-back', complete: false },
      evidence: {
        candidate: { asked: 60, failed: 60 },
        verdict: { state: 'roll-back', guardrail: 'errors', hard: true },
      },
    });
  });

  test('ends in the shadow what does harm there', () => {
    const it = begun();
    it.observe(200, bad(4.5));
    it.tick();
    expect(it.state()).toBe('rolled_back');
  });

  test('watches a paused rollout on', () => {
    const it = begun(quickPlan(), 2);
    it.control.pause(ASKED);
    it.observe(60, dead);
    it.tick();
    expect(it.state()).toBe('rolled_back');
  });

  test('advances by itself only where the plan says so', () => {
    const manual = begun();
    manual.observe(100);
    manual.tick();
    expect(manual.state()).toBe('shadow');
    const auto = begun(quickPlan({ advance: 'auto' }));
    auto.observe(100);
    auto.tick();
    expect(auto.news).toMatchObject([{ event: 'advanced', serve: 50 }]);
    auto.control.pause(ASKED);
    auto.observe(100);
    auto.tick();
    expect(auto.state()).toBe('paused');
  });

  test('acts once, however many processes watch', () => {
    const one = begun(quickPlan(), 2);
    const other = watched(one);
    one.observe(200, bad(4.5));
    one.tick();
    other.tick();
    one.tick();
    expect([...one.news, ...other.news]).toHaveLength(1);
    expect(one.trouble.concat(other.trouble)).toEqual([]);
  });

  test('says the same whether it followed or comes to it late', () => {
    const it = begun();
    it.observe(40);
    it.tick();
    it.observe(20, bad(8));
    it.observe(5, dead);
    it.tick();
    const late = watched(it);
    late.tick();
    const checks = it.store.checks('r1');
    expect(checks.map(({ pairs }) => pairs)).toEqual([40, 60]);
    for (const { lower, ratio, upper } of checks) {
      expect(lower).toBeLessThanOrEqual(ratio);
      expect(upper ?? Infinity).toBeGreaterThanOrEqual(ratio);
    }
  });

  test('writes each observation once, and what could not be written with the next tick', () => {
    const it = begun();
    const log = readLog(it.store);
    if (log.state !== 'intact') return expect.unreachable();
    const { id, stage } = log.rollout;
    const observation: Observation = {
      rollout: id,
      stage: stage.seq,
      at: START,
      requestId: 'q',
      unit: 1,
      arm: 'reference',
      category: 'other',
      compared: 'busy',
      reference: { outcome: 'ok', ms: 12.5, usd: 0.25 },
      grading: { state: 'none' },
    };
    it.watch.observe(observation);
    it.watch.observe(observation);
    it.database.exec('ALTER TABLE rollout_observations RENAME TO away');
    it.tick();
    expect(it.trouble).toHaveLength(1);
    it.database.exec('ALTER TABLE away RENAME TO rollout_observations');
    it.tick();
    expect(it.store.observations(id, stage.seq, 0, 10)).toEqual([{ id: 1, observation }]);
    return undefined;
  });

  test('does nothing on a log that was edited', () => {
    const it = begun(quickPlan(), 2);
    it.observe(60, dead);
    it.database.exec("UPDATE rollout_log SET text = replace(text, 'ada', 'eve') WHERE seq = 2");
    const before = it.store.head();
    it.tick();
    expect(it.store.head()).toEqual(before);
    expect(it.trouble).toEqual([expect.stringContaining('Entry 2 was changed.')]);
  });
});

describe('a clock that jumps', () => {
  test('is written down, forward or back, once for all processes', () => {
    const one = begun(quickPlan(), 1);
    const other = watched(one);
    for (const [at, elapsed] of [
      [START + 100 * HOUR_MS, 1000],
      [START - 50 * HOUR_MS, 2000],
    ] as const) {
      Object.assign(one.clock, { at, elapsed });
      one.tick();
      other.tick();
    }
    expect([...one.news, ...other.news].map(({ event, why }) => [event, why])).toEqual([
      ['clock-jumped', 'the clock jumped by 359999 s'],
      ['clock-jumped', 'the clock jumped by -540001 s'],
    ]);
    expect(one.state()).toBe('canary');
    const log = readLog(one.store);
    const times = log.state === 'intact' ? log.entries.map(({ entry }) => entry.at) : [];
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  test('keeps no rollback from happening', () => {
    const it = begun(quickPlan(), 2);
    it.clock.at = START - 10 * HOUR_MS;
    it.observe(60, dead);
    it.tick();
    expect(it.state()).toBe('rolled_back');
  });
});
