import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import lockfile from 'proper-lockfile';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { DEFAULT_PLAN } from '../../src/rollout/plan.ts';
import { readLog } from '../../src/rollout/read.ts';
import { createRolloutStore } from '../../src/rollout/store.ts';
import { openDatabase } from '../../src/storage/database.ts';
import type { Observation } from '../../src/rollout/observation.ts';
import { runCli, type CliResult } from './run-cli.ts';
import { TemporaryFolders } from './temporary-folders.ts';

const folders = new TemporaryFolders();
let cwd: string;
beforeEach(async () => {
  cwd = await folders.make();
  await configure({});
});
afterAll(() => folders.remove());

const SERVER = { kind: 'openai-compatible', url: 'http://127.0.0.1:9' };
const QUICK = {
  ...DEFAULT_PLAN,
  steps: DEFAULT_PLAN.steps.map((step) => ({ ...step, days: 0, pairs: 20, requests: 20 })),
  quality: { margin: 0.3, hard: 0.6 },
};

async function configure(routing: object): Promise<void> {
  const config = {
    servers: { near: SERVER, far: SERVER },
    tiers: { direct: 'near:m', cloud: 'far:m' },
    routing,
  };
  await writeFile(path.join(cwd, 'aqe-llm.config.json'), JSON.stringify(config));
}

async function planFile(plan: object, name = 'rollout.json'): Promise<string> {
  await writeFile(path.join(cwd, name), JSON.stringify(plan));
  return name;
}

const rollout = (...args: string[]): Promise<CliResult> =>
  runCli(['rollout', ...args], { cwd, env: { USER: 'ada' } });

const errorJson = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    exitCode: z.number(),
    problems: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  }),
});
async function refusal(...args: string[]): Promise<[string, number]> {
  const { stdout, exitCode } = await rollout(...args, '--json');
  const { error } = errorJson.parse(JSON.parse(stdout));
  expect(error.exitCode).toBe(exitCode);
  return [error.code, exitCode];
}

/** Writes what a gateway would have observed of the present stage. */
function observe(count: number, more: Partial<Observation> = {}): void {
  const database = openDatabase(path.join(cwd, '.aqe-llm'));
  const store = createRolloutStore(database);
  const log = readLog(store);
  if (log.state !== 'intact') throw new Error(`the log is ${log.state}`);
  const { id, stage } = log.rollout;
  store.observe(
    Array.from({ length: count }, (_, index): Observation => ({
      rollout: id,
      stage: stage.seq,
      at: stage.at,
      requestId: `${stage.seq}-${index}-${JSON.stringify(more).length}`,
      unit: index,
      arm: index % 2 === 0 ? 'candidate' : 'reference',
      category: 'test-generation',
      compared: 'done',
      candidate: { outcome: 'ok', ms: 900, usd: 0 },
      reference: { outcome: 'ok', ms: 1000, usd: 0.01 },
      grading: { state: 'scored', candidate: 9, reference: 9 },
      ...more,
    })),
  );
  database.close();
}

const viewOf = async (): Promise<Record<string, unknown>> =>
  z
    .object({ rollout: z.record(z.string(), z.unknown()) })
    .parse(JSON.parse((await rollout('status', '--json')).stdout)).rollout;

describe('rollout', () => {
  it('prints a plan that it takes', async () => {
    const { stdout } = await rollout('plan');
    expect(JSON.parse(stdout)).toEqual(DEFAULT_PLAN);
    await writeFile(path.join(cwd, 'rollout.json'), stdout);
    const checked = await rollout('plan', 'rollout.json');
    expect(checked.exitCode).toBe(0);
    expect(JSON.parse(checked.stdout)).toMatchObject(DEFAULT_PLAN);
  });

  it('goes up on evidence and back by one command, and tells all of it', async () => {
    const file = await planFile(QUICK);
    expect((await rollout('status')).stdout).toContain('There is no rollout.');
    const start = await rollout('start', file, '--reason', 'week 5');
    expect(start).toMatchObject({ exitCode: 0, stderr: '' });
    expect(start.stdout).toMatch(/^Rollout \S+: in the shadow\.\n$/);
    observe(100);
    const dry = await rollout('advance', '--dry-run');
    expect(dry.stdout).toContain('in the shadow → canary at 50 %. (dry run');
    expect(await viewOf()).toMatchObject({ state: 'shadow', entries: 2 });
    const advance = await rollout('advance', '--reason', 'week 6', '--json');
    expect(JSON.parse(advance.stdout)).toMatchObject({
      dryRun: false,
      before: { state: 'shadow' },
      after: { state: 'canary', at: { serve: 50 } },
      entries: [{ actor: 'operator:ada', reason: 'week 6' }],
    });
    expect((await rollout('pause')).stdout).toContain('canary at 50 % → paused at 50 %');
    expect((await rollout('resume')).stdout).toContain('paused at 50 % → canary at 50 %');
    expect((await rollout('rollback', '--partial')).stdout).toContain('paused at 20 %, cautious');
    const back = await rollout('rollback', '--reason', 'enough', '--by', 'eve');
    expect(back).toMatchObject({ exitCode: 0 });
    const status = await rollout('status');
    expect(status.exitCode).toBe(3);
    expect(status.stdout).toContain('rolled back: everything in scope goes to cloud');
    expect(await refusal('advance')).toEqual(['rollout.rolled-back', 3]);
    const { stdout: history } = await rollout('history');
    expect(history.split('\n').map((line) => line.replace(/^(\d+).{19}/, '$1'))).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^1 +ada +created +week 5$/),
        expect.stringMatching(/^3 +ada +advanced +week 6$/),
        expect.stringMatching(/^7 +eve +rolled back +enough$/),
      ]),
    );
    expect((await rollout('abort')).stdout).toContain('rolled back → aborted');
    expect((await rollout('status')).exitCode).toBe(0);
  });

  it('shows what is known, what is missing and what would move it', async () => {
    await rollout('start', await planFile(QUICK));
    observe(30, { grading: { state: 'scored', candidate: 7, reference: 9 } });
    const { stdout } = await rollout('status');
    expect(stdout).toContain('▶ shadow 0 %');
    expect(stdout).toMatch(/quality +0\.40 ·+├─+┃─+●─+›/);
    expect(stdout).toContain('77.8 % of the reference');
    expect(stdout).toContain('✓ 30 of 20 graded comparisons');
    expect(stdout).toContain('verdict     hold');
    const { stdout: why } = await rollout('explain');
    expect(why).toContain('What is missing for the next step');
    const { stdout: unit } = await rollout('explain', 'session-42', '--json');
    expect(JSON.parse(unit)).toMatchObject({ unit: 'session-42', arm: 'reference', side: 'cloud' });
  });

  it('says nothing of evidence once it is completed', async () => {
    await rollout('start', await planFile({ ...QUICK, steps: QUICK.steps.slice(0, 2) }));
    for (let step = 0; step < 2; step += 1) {
      observe(100);
      expect((await rollout('advance')).exitCode).toBe(0);
    }
    const { stdout, exitCode } = await rollout('status');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('completed: 50 % of units go to direct');
    expect(stdout).not.toMatch(/verdict|What would move it/);
  });

  it('is watched until it is over', async () => {
    await rollout('start', await planFile(QUICK));
    const watching = rollout('status', '--watch', '--json');
    await rollout('rollback');
    const { exitCode, stdout } = await watching;
    expect(exitCode).toBe(3);
    const states = stdout
      .trim()
      .split('\n')
      .map(
        (line): unknown =>
          z.object({ rollout: z.object({ state: z.string() }) }).parse(JSON.parse(line)).rollout
            .state,
      );
    expect(states.at(-1)).toBe('rolled_back');
    const left = new AbortController();
    left.abort(new Error('left'));
    await rollout('start', await planFile(QUICK));
    const cut = await runCli(['rollout', 'status', '--watch'], { cwd, signal: left.signal });
    expect(cut.stdout).toContain('shadow');
  });
});

describe('what is refused, with nothing changed', () => {
  it('steps out of order', async () => {
    const [shadow, half, primary] = DEFAULT_PLAN.steps;
    const file = await planFile({ ...DEFAULT_PLAN, steps: [shadow, primary, half] });
    const { exitCode, stderr } = await rollout('start', file);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('steps.2.serve: expected more than the 80 of the step before');
    expect(await viewOf()).toEqual({ state: 'none' });
  });

  it('a plan that is not there, and none at all', async () => {
    expect(await refusal('start', 'absent.json')).toEqual(['rollout.plan-unreadable', 2]);
    expect(await refusal('start')).toEqual(['rollout.no-plan', 2]);
    expect(await refusal('advance')).toEqual(['rollout.none', 2]);
    expect(await refusal('explain')).toEqual(['rollout.none', 2]);
  });

  it('a plan whose sides the configuration does not let answer', async () => {
    const file = await planFile({ ...QUICK, candidate: 'near:other' });
    expect(await refusal('start', file)).toEqual(['rollout.sides', 2]);
    await configure({ cloud: 'emergency-only' });
    expect(await refusal('start', await planFile(QUICK))).toEqual(['rollout.sides', 2]);
    await configure({ strategy: 'privacy-first' });
    const { stderr } = await rollout('start', 'rollout.json');
    expect(stderr).toContain('routing.strategy: privacy-first lets no prompt go to the cloud');
  });

  it('an advance without evidence, with exit code 4', async () => {
    await rollout('start', await planFile(QUICK));
    expect(await refusal('advance')).toEqual(['rollout.no-evidence', 4]);
    const { stderr } = await rollout('advance');
    expect(stderr).toContain('pairs: 0 of 20 graded comparisons');
    expect(await viewOf()).toMatchObject({ state: 'shadow', entries: 2 });
  });

  it('a second rollout', async () => {
    const file = await planFile(QUICK);
    await rollout('start', file);
    expect(await refusal('start', file)).toEqual(['rollout.running', 2]);
  });

  it('an operator while another one is at it, with exit code 5', async () => {
    await rollout('start', await planFile(QUICK));
    observe(100);
    const state = path.join(cwd, '.aqe-llm', 'rollout');
    await mkdir(path.dirname(state), { recursive: true });
    const release = await lockfile.lock(state, { realpath: false, stale: 10_000, update: 1000 });
    const refused = await refusal('advance');
    expect(refused).toEqual(['rollout.locked', 5]);
    // Whoever only looks is not kept out.
    expect(await viewOf()).toMatchObject({ state: 'shadow', entries: 2 });
    expect((await rollout('advance', '--dry-run')).exitCode).toBe(0);
    await release();
    expect((await rollout('advance')).exitCode).toBe(0);
  });

  it('an edited log, with exit code 1', async () => {
    await rollout('start', await planFile(QUICK));
    const whole = await rollout('history', '--verify', '--json');
    const { head } = z.object({ head: z.string() }).parse(JSON.parse(whole.stdout));
    expect((await rollout('history', '--head', head.slice(0, 12))).exitCode).toBe(0);
    expect(await refusal('history', '--head', 'abc')).toEqual(['rollout.log-edited', 1]);
    const database = openDatabase(path.join(cwd, '.aqe-llm'));
    database.exec("UPDATE rollout_log SET text = replace(text, 'ada', 'eve') WHERE seq = 1");
    database.close();
    const { exitCode, stderr } = await rollout('history', '--verify');
    expect(exitCode).toBe(1);
    expect(stderr).toContain('The log was edited: Entry 1 was changed.');
    for (const args of [['advance'], ['rollback'], ['start', 'rollout.json'], ['status']]) {
      expect(await refusal(...args)).toEqual(['rollout.log-edited', 1]);
    }
    expect(await readFile(path.join(cwd, 'rollout.json'), 'utf8')).toBe(JSON.stringify(QUICK));
  });
});
