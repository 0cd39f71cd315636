import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { seededIndex } from '../../src/core/random.ts';
import { createControl } from '../../src/rollout/control.ts';
import { createFollower } from '../../src/rollout/follow.ts';
import { readLog } from '../../src/rollout/read.ts';
import { createRolloutStore } from '../../src/rollout/store.ts';
import { createWatch } from '../../src/rollout/watch.ts';
import { openDatabase } from '../../src/storage/database.ts';
import {
  BY_BETTING,
  createRequests,
  HEALTHY,
  SIMULATED_PLAN,
  simulateRollout,
  type Outcome,
} from '../rollout/simulated.ts';

const ROLLOUTS = 1000;
const RATIOS = [0.85, 0.9, 0.95, 1, 1.05];
/** Requests between two looks, and most requests of a stage. */
const SIZE = { plan: SIMULATED_PLAN, every: 50, most: 2000 };
const WHOLE = 6;

const outcomesSchema = z.array(
  z.object({
    end: z.enum(['completed', 'rolled back', 'undecided']),
    advances: z.int(),
    steppedDown: z.int(),
    requests: z.int(),
    served: z.int(),
  }),
);

interface Batch {
  rule: 'betting' | 'peeking';
  ratio: number;
  from: number;
  to: number;
}

/**
 * Whole rollouts with an injected clock and seeded outcomes, the same for the betting rule and for a
 * t-test at each look; and some through the database, which must end alike.
 */
export async function run(out: (line: string) => void): Promise<boolean> {
  out(
    `${ROLLOUTS} rollouts for each row, ${SIZE.every} requests between two looks, at most ${SIZE.most} in a stage; margin 5 %`,
  );
  out('wrong: a step up below 0.95, a step down or rollback from 0.95 on; 95 % intervals');
  out('rule     ratio  went up               went down             completed  undecided  requests');
  let held = true;
  for (const rule of ['betting', 'peeking'] as const) {
    for (const ratio of RATIOS) {
      const outcomes = await inProcesses({ rule, ratio, from: 1, to: ROLLOUTS });
      const up = outcomes.filter(({ advances }) => advances > 0).length;
      const down = outcomes.filter((it) => it.end === 'rolled back' || it.steppedDown > 0).length;
      const done = outcomes.filter(({ end }) => end === 'completed').length;
      const undecided = outcomes.filter(({ end }) => end === 'undecided').length;
      const requests = outcomes.reduce((sum, it) => sum + it.requests, 0) / outcomes.length;
      const wrongUp = ratio < 0.95 ? ' ✗' : '';
      const wrongDown = ratio >= 0.95 ? ' ✗' : '';
      out(
        [
          rule.padEnd(8),
          ratio.toFixed(2).padStart(5),
          ` ${`${interval(up, outcomes.length)}${wrongUp}`.padEnd(21)}`,
          `${interval(down, outcomes.length)}${wrongDown}`.padEnd(21),
          share(done, outcomes.length).padStart(9),
          share(undecided, outcomes.length).padStart(10),
          requests.toFixed(0).padStart(9),
        ].join(' '),
      );
      if (rule !== 'betting') continue;
      // What is promised: α = 5 % each, for a candidate on the border or on the right side of it.
      if (ratio <= 0.95) held &&= bounds(up, outcomes.length)[0] <= 0.05;
      if (ratio >= 0.95) held &&= bounds(down, outcomes.length)[0] <= 0.05;
    }
  }
  out('✗ marks the share that is wrong (0.95 itself is the border: up is wrong there as well)');
  const alike = await throughTheDatabase();
  out(`${WHOLE} of them through the database, watch and log: ${alike ? 'the same ends' : 'FAIL'}`);
  return held && alike;
}

/** Clopper and Pearson's exact interval, by bisection on the binomial distribution. */
function bounds(count: number, n: number): [number, number] {
  const tail = (p: number, from: number, to: number): number => {
    let sum = 0;
    let log = n * Math.log1p(-p);
    for (let k = 0; k <= n; k += 1) {
      if (k >= from && k <= to) sum += Math.exp(log);
      log += Math.log((n - k) / (k + 1)) + Math.log(p) - Math.log1p(-p);
    }
    return sum;
  };
  const solve = (isLow: (p: number) => boolean): number => {
    let [low, high] = [1e-12, 1 - 1e-12];
    for (let halving = 0; halving < 40; halving += 1) {
      const middle = (low + high) / 2;
      if (isLow(middle)) low = middle;
      else high = middle;
    }
    return low;
  };
  return [
    count === 0 ? 0 : solve((p) => tail(p, count, n) < 0.025),
    count === n ? 1 : solve((p) => tail(p, 0, count) > 0.025),
  ];
}

function interval(count: number, n: number): string {
  const [low, high] = bounds(count, n).map((p) => (100 * p).toFixed(1));
  return `${share(count, n)} (${low}–${high})`;
}

function share(count: number, n: number): string {
  return `${((100 * count) / n).toFixed(1)} %`;
}

async function inProcesses({ rule, ratio, from, to }: Batch): Promise<Outcome[]> {
  const workers = availableParallelism();
  const size = Math.ceil((to - from + 1) / workers);
  const parts = Array.from({ length: workers }, (_, index): Batch => ({
    rule,
    ratio,
    from: from + index * size,
    to: Math.min(to, from + (index + 1) * size - 1),
  }));
  return (await Promise.all(parts.map(inProcess))).flat();
}

function inProcess(batch: Batch): Promise<Outcome[]> {
  const script = fileURLToPath(new URL('rollout/simulate.ts', import.meta.url));
  return new Promise((resolve, reject) => {
    const child = fork(script, [JSON.stringify({ ...batch, ...SIZE })], {
      execArgv: ['--import', 'tsx'],
    });
    child.once('message', (outcomes) => resolve(outcomesSchema.parse(outcomes)));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`a simulation ended with ${String(code)}`)));
  });
}

/** The same requests, written, read, judged and acted on as a gateway does it. */
async function throughTheDatabase(): Promise<boolean> {
  let alike = true;
  for (let seed = 1; seed <= WHOLE; seed += 1) {
    const ratio = seed % 2 === 0 ? 1.1 : 0.8;
    const world = { ratio, ...HEALTHY };
    const pure = simulateRollout({ ...SIZE, world, rule: BY_BETTING, seed });
    alike &&= (await storedEnd(ratio, seed)) === pure.end;
  }
  return alike;
}

async function storedEnd(ratio: number, seed: number): Promise<Outcome['end']> {
  const folder = await mkdtemp(path.join(tmpdir(), 'aqe-rollout-'));
  const database = openDatabase(folder);
  try {
    const store = createRolloutStore(database);
    let now = 1_800_000_000_000;
    const elapsed = (): number => now - 1_800_000_000_000;
    const clock = { now: () => now, monotonic: elapsed, sleep: async () => {} };
    const control = createControl({
      store,
      clock,
      newId: () => 'r',
      newSalt: () => 'salt',
      retentionDays: 90,
    });
    const asked = { by: 'simulation', reason: '', dryRun: false };
    control.start({ ...asked, plan: SIMULATED_PLAN, draft: false });
    const onTrouble = (error: unknown): void => {
      throw error;
    };
    const follower = createFollower({ store, clock, onTrouble });
    const watch = createWatch({ store, follower, clock, onNews: () => {}, onTrouble });
    const next = createRequests({ ratio, ...HEALTHY }, seededIndex(seed));
    for (let request = 1; request <= 4 * SIZE.most; request += 1) {
      const log = readLog(store);
      if (log.state !== 'intact') throw new Error('the log is not intact');
      const { state, id, stage } = log.rollout;
      if (state.state === 'completed') return 'completed';
      if (!('at' in state)) return 'rolled back';
      if (state.state === 'paused') control.resume(asked);
      const place = { rollout: id, stage: stage.seq, serve: state.at.serve };
      for (let each = 0; each < SIZE.every; each += 1) {
        now += 60_000;
        watch.observe(next({ ...place, at: now }));
      }
      follower.refresh();
      watch.tick();
    }
    return 'undecided';
  } finally {
    database.close();
    await rm(folder, { recursive: true, force: true });
  }
}
