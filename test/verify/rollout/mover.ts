import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { createControl } from '../../../src/rollout/control.ts';
import { createFollower } from '../../../src/rollout/follow.ts';
import type { Observation } from '../../../src/rollout/observation.ts';
import { DEFAULT_PLAN, planSchema } from '../../../src/rollout/plan.ts';
import { readLog } from '../../../src/rollout/read.ts';
import { isEnded } from '../../../src/rollout/state.ts';
import { createRolloutStore, type RolloutStore } from '../../../src/rollout/store.ts';
import { createWatch } from '../../../src/rollout/watch.ts';
import { openDatabase } from '../../../src/storage/database.ts';

/**
 * Takes rollouts through every transition until it is killed, and says before and after each. With a
 * transition and a point it kills itself there: `before` it, `within` its transaction, `after` it, or
 * `early`, when it has said that it is done and is not.
 */
const [, , folder = '', fatal, point] = process.argv;
const stored = createRolloutStore(openDatabase(folder));
let isFatal = false;
const die = (): void => void process.kill(process.pid, 'SIGKILL');
const store: RolloutStore = {
  ...stored,
  append(entry) {
    const appended = stored.append(entry);
    if (isFatal && point === 'within') die();
    return appended;
  },
};
const clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async () => {},
};
const control = createControl({
  store,
  clock,
  newId: randomUUID,
  newSalt: randomUUID,
  retentionDays: 1,
});
const plan = planSchema.parse({
  ...DEFAULT_PLAN,
  steps: DEFAULT_PLAN.steps.map((step) => ({ ...step, days: 0, pairs: 20, requests: 20 })),
  quality: { margin: 0.3, hard: 0.6 },
  advance: 'auto',
});
const asked = { by: 'mover', reason: 'on the way', dryRun: false };

function move(event: string, entries: number, work: () => unknown): void {
  const say = (word: 'will' | 'done', seq: number): void =>
    void writeSync(1, `${JSON.stringify({ say: word, event, seq })}\n`);
  const { seq } = store.head();
  say('will', seq + entries);
  isFatal = event === fatal;
  if (isFatal && point === 'before') die();
  // What a store that acknowledges too early would look like.
  if (isFatal && point === 'early') say('done', seq + entries);
  if (isFatal && point === 'early') die();
  work();
  if (isFatal && point === 'after') die();
  say('done', store.head().seq);
}

function observe(score: number): void {
  const log = readLog(store);
  if (log.state !== 'intact') throw new Error(`the log is ${log.state}`);
  const { id, stage, state } = log.rollout;
  const serve = 'at' in state ? state.at.serve : 0;
  store.observe(
    Array.from({ length: 300 }, (_, unit): Observation => ({
      rollout: id,
      stage: stage.seq,
      at: Date.now(),
      requestId: randomUUID(),
      unit,
      arm: unit % 100 < serve ? 'candidate' : 'reference',
      category: 'test-generation',
      compared: 'done',
      candidate: { outcome: 'ok', ms: 10, usd: 0 },
      reference: { outcome: 'ok', ms: 10, usd: 0.01 },
      grading: { state: 'scored', candidate: score, reference: 9 },
    })),
  );
}

/** What a gateway does by itself. */
function tick(): void {
  const onTrouble = (error: unknown): void => {
    throw error;
  };
  const follower = createFollower({ store, clock, onTrouble });
  createWatch({ store, follower, clock, onNews: () => {}, onTrouble }).tick();
}

const log = readLog(store);
if (log.state === 'intact' && !isEnded(log.rollout.state)) {
  move('abort', 1, () => control.abort(asked));
}
for (;;) {
  move('draft', 1, () => control.start({ ...asked, plan, draft: true }));
  move('start', 1, () => control.start({ ...asked, draft: false }));
  for (let step = 0; step < 3; step += 1) {
    observe(9);
    move('advance by itself', 1, tick);
  }
  move('pause', 1, () => control.pause(asked));
  move('resume', 1, () => control.resume(asked));
  observe(4.5);
  move('step down by itself', 1, tick);
  move('partial rollback', 1, () => control.rollback({ ...asked, way: { kind: 'partial' } }));
  observe(4.5);
  move('roll back by itself', 1, tick);
  move('complete rollback', 1, () => control.rollback({ ...asked, way: { kind: 'complete' } }));
  move('abort', 1, () => control.abort(asked));
  move('start at once', 2, () => control.start({ ...asked, plan, draft: false }));
  move('immediate rollback', 1, () => control.rollback({ ...asked, way: { kind: 'immediate' } }));
  move('start at once', 2, () => control.start({ ...asked, plan, draft: false }));
  for (let step = 0; step < 4; step += 1) {
    observe(9);
    move('advance to the end', 1, tick);
  }
}
