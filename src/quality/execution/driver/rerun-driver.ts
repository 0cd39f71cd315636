import { readFileSync, writeSync } from 'node:fs';
import { openChannel } from './channel.ts';
import { ContextPool } from './context-pool.ts';
import { MutantSwitch } from './instruments.ts';
import type { RerunDriverJob, RerunItem, RerunMessage } from './rerun-job.ts';
import { runOnce } from './run.ts';
import { optimiseLater, scriptFile, testScript, wrapped } from './scripts.ts';
import { World } from './world.ts';

const HEARTBEAT_MS = 250;
/** A mutant reached this many times as often as in the unchanged runs is an endless loop. */
const HIT_FACTOR = 100;
/** As often may a place be reached that no unchanged run has reached. */
const LEAST_MOST_HITS = 10_000;

/** The program that runs in the sandbox: the same tests again and again, each time in another world. */
async function rerun(
  job: RerunDriverJob,
  world: World,
  send: (message: RerunMessage) => void,
): Promise<void> {
  const contexts = new ContextPool({
    realm: scriptFile('realm.js'),
    runner: scriptFile('runner.js'),
    timers: world.loop.timeouts,
    clock: world.runnerClock(),
    surroundings: () => world.surroundings(),
    restores: true,
  });
  const subject = wrapped(
    job.subject,
    'exports, require, module, stryMutAct_9fa48, stryCov_9fa48',
    'subject',
  );
  const test = testScript(job.test, job.testFileName);

  const hits = new Map<string, number>();
  const switched = (mutant: string | null): MutantSwitch =>
    mutant === null
      ? new MutantSwitch()
      : new MutantSwitch(mutant, Math.max(LEAST_MOST_HITS, HIT_FACTOR * (hits.get(mutant) ?? 0)));

  const run = async (index: number, { perturbation, mutant }: RerunItem): Promise<void> => {
    send({ type: 'item', index });
    world.begin(perturbation);
    const active = switched(mutant);
    const order: string[] = [];
    const passed: string[] = [];
    const failures: { test: string; message: string }[] = [];
    const result = await runOnce({
      contexts,
      test,
      testFileName: job.testFileName,
      testTimeoutMs: job.testTimeoutMs,
      requireAssertions: job.requireAssertions,
      subject: {
        script: subject,
        instruments: [active.isActive, mutant === null ? active.cover : uncounted],
        wrap: (value) => value,
      },
      instrument: active,
      snapshot: null,
      wanted: () => true,
      fresh: false,
      order: (found) => world.order(found),
      leftover: world.leftover,
      modules: new Map([['aqe:world', { host: world.host() }]]),
      onTest: (key) => {
        order.push(key);
        world.beginTest();
      },
      onTested: ({ key, state, message }) => {
        if (state === 'passed') passed.push(key);
        else if (state !== 'skipped') failures.push({ test: key, message: message ?? state });
      },
    });
    if (result.state === 'not-loaded') {
      send({ type: 'not-loaded', index, message: result.message });
      return;
    }
    if (result.failed && failures.length === 0) {
      failures.push({ test: '', message: 'a hook failed' });
    }
    const { leftover, zone, startedAt, tookMs } = world;
    for (const [id, times] of active.hits) hits.set(id, Math.max(times, hits.get(id) ?? 0));
    const circumstances = { order, leftover, zone, startedAt, tookMs };
    send({ type: 'ran', index, circumstances, passed, failures });
  };

  for (const [index, item] of job.items.entries()) {
    await run(index, item);
  }
  send({ type: 'done' });
}

/** What was reached is known from the runs without a mutant. */
function uncounted(): void {}

optimiseLater();
// Made by the rerunner of the same release: a schema here would double the program's size.
const job: RerunDriverJob = JSON.parse(readFileSync(0, 'utf8'));
const send = openChannel(job.nonce);
// An error that no test awaits fails no test, as in the measuring driver.
process.on('uncaughtException', () => undefined);
process.on('unhandledRejection', () => undefined);
setInterval(() => send({ type: 'alive' }), HEARTBEAT_MS).unref();
const world = new World();
process.on('beforeExit', () => {
  // The loop must have something to turn for, or the process ends.
  setImmediate(() => world.loop.skipAhead());
});
void rerun(job, world, send).then(
  () => process.exit(0),
  (error: unknown) => {
    writeSync(2, error instanceof Error ? String(error.stack) : String(error));
    process.exit(70);
  },
);
