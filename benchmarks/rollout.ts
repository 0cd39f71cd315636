import { createHash } from 'node:crypto';
import { assess } from '../src/rollout/assess.ts';
import { isServed, placeOf } from '../src/rollout/buckets.ts';
import { assignmentOf } from '../src/rollout/face.ts';
import { DEFAULT_PLAN, planSchema } from '../src/rollout/plan.ts';
import { createTallyBook } from '../src/rollout/tallies.ts';
import { seededIndex } from '../src/core/random.ts';
import { createRequests, HEALTHY } from '../test/rollout/simulated.ts';

/** Calls of one measurement: a single one is too short for the clock. */
const CALLS = 200;
const ROUNDS = 2000;
const WARM_UP = 200;
const PAIRS = 5000;
const JUDGEMENTS = 200;

/** What a rollout adds to a decision, beside the hash that the plan sketches, and what judging it takes. */
export async function run(out: (line: string) => void): Promise<void> {
  const plan = planSchema.parse(DEFAULT_PLAN);
  const at = { serve: 50, cautious: false };
  const last = {
    seq: 3,
    rollout: 'r',
    at: 0,
    actor: 'operator:bench',
    event: { type: 'advanced' },
    reason: '',
    evidence: null,
  } as const;
  const rollout = {
    id: 'r',
    plan,
    salt: 'a-salt-of-32-characters-as-it-is-made',
    state: { state: 'canary', at },
    createdAt: 0,
    stage: { seq: 3, at: 0 },
    last,
  } as const;
  const followed = { rollout, isSound: true };
  const lasting = { isLeftAlone: false, mayCompare: true };
  let served = 0;
  const rivals: [string, (unit: string) => void][] = [
    ['control: nothing', () => {}],
    [
      'control: MD5 of the id, modulo 100 (the plan)',
      (unit) => {
        const bucket = createHash('md5').update(unit).digest().readUInt32BE(0) % 100;
        if (bucket < 50) served += 1;
      },
    ],
    [
      'bucket decision',
      (unit) => {
        if (isServed(placeOf(rollout.salt, unit).bucket, 50)) served += 1;
      },
    ],
    [
      'the whole assignment',
      (unit) => {
        const given = assignmentOf(followed, { category: 'other' }, unit, lasting);
        if (given?.arm === 'candidate') served += 1;
      },
    ],
  ];
  const times = rivals.map(() => new Float64Array(ROUNDS));
  for (let round = -WARM_UP; round < ROUNDS; round += 1) {
    for (const [index, [, work]] of rivals.entries()) {
      const start = process.hrtime.bigint();
      for (let call = 0; call < CALLS; call += 1) work(`session-${round}-${call}`);
      const ns = Number(process.hrtime.bigint() - start);
      const own = times[index];
      if (round >= 0 && own !== undefined) own[round] = ns / 1000 / CALLS;
    }
  }
  out(`${ROUNDS} × ${CALLS} calls each, in turns; microseconds for one call`);
  out(`${'what'.padEnd(48)}     p50      p95      p99`);
  for (const [index, [name]] of rivals.entries()) {
    const own = times[index]?.toSorted() ?? new Float64Array();
    const shown = [0.5, 0.95, 0.99].map((share) =>
      (own[Math.floor(share * (own.length - 1))] ?? NaN).toFixed(2).padStart(8),
    );
    out(`${name.padEnd(48)}${shown.join(' ')}`);
  }
  out(`promise: a bucket decision below 5 (${served} units served)`);

  const book = createTallyBook({ plan, stageAt: 0, baseline: [] });
  const next = createRequests({ ratio: 1, ...HEALTHY }, seededIndex(1));
  for (let pair = 0; pair < PAIRS; pair += 1) {
    book.add(next({ rollout: 'r', stage: 3, at: pair * 60_000, serve: 50 }));
  }
  const start = performance.now();
  for (let judgement = 0; judgement < JUDGEMENTS; judgement += 1) {
    assess(plan, at, book.tallies(), { now: PAIRS * 60_000, stageAt: 0 });
  }
  const ms = (performance.now() - start) / JUDGEMENTS;
  out(`judging ${PAIRS} comparisons: ${ms.toFixed(2)} ms, at most twice a second`);
}
