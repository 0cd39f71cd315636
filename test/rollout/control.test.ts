import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { readLog } from '../../src/rollout/read.ts';
import { ASKED, HOUR_MS, openStore, quickPlan, START, type Opened } from './open-store.ts';

function refusal(work: () => unknown): Pick<AppError, 'code' | 'exitCode' | 'message'> {
  try {
    work();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

/** That what is tried changes nothing, and how it is refused. */
function refuses({ store }: Opened, work: () => unknown): [string, number] {
  const before = store.head();
  const { code, exitCode } = refusal(work);
  expect(store.head()).toEqual(before);
  return [code, exitCode];
}

const started = (plan = quickPlan()): Opened => {
  const opened = openStore();
  opened.control.start({ ...ASKED, plan, draft: false });
  return opened;
};

/** Up the ladder to a step, with evidence at each. */
function climb(opened: Opened, steps: number): void {
  for (let step = 0; step < steps; step += 1) {
    // 99 % of units are the candidate's on the last step.
    if (step === 3) {
      opened.observe(100, { arm: 'candidate' });
      opened.observe(1, { arm: 'reference' });
    } else if (step === 2) {
      opened.observe(80, { arm: 'candidate' });
      opened.observe(20, { arm: 'reference' });
    } else opened.observe(100);
    opened.control.advance(ASKED);
  }
}

describe('what operators do', () => {
  it('goes from a draft to its end, each step on evidence', () => {
    const opened = openStore();
    const { control, state } = opened;
    const plan = quickPlan();
    expect(control.start({ ...ASKED, plan, draft: true }).after.state).toBe('draft');
    expect(control.start({ ...ASKED, draft: false }).after).toMatchObject({ state: 'shadow' });
    climb(opened, 3);
    expect(control.pause(ASKED).after).toMatchObject({ state: 'paused', at: { serve: 99 } });
    expect(control.resume(ASKED).after).toMatchObject({ state: 'canary', at: { serve: 99 } });
    opened.observe(101, { arm: 'candidate' });
    expect(control.advance(ASKED).assessment?.verdict).toEqual({ state: 'advance' });
    expect(state()).toBe('completed');
    const log = readLog(opened.store);
    if (log.state !== 'intact') expect.unreachable();
    else {
      expect(log.entries.map(({ entry }) => entry.event.type)).toEqual([
        'created',
        'started',
        'advanced',
        'advanced',
        'advanced',
        'paused',
        'resumed',
        'advanced',
      ]);
      expect(log.entries.at(-1)?.entry).toMatchObject({
        actor: 'operator:ada',
        reason: 'a test',
        evidence: { pass: { at: 20 }, verdict: { state: 'advance' } },
      });
    }
  });

  it('says what would be in a dry run, and changes nothing', () => {
    const opened = openStore();
    const dry = { ...ASKED, dryRun: true };
    const { control, store } = opened;
    expect(control.start({ ...dry, plan: quickPlan(), draft: false }).after.state).toBe('shadow');
    expect(store.head().seq).toBe(0);
    control.start({ ...ASKED, plan: quickPlan(), draft: false });
    opened.observe(100);
    const before = store.head();
    expect(control.advance(dry).after).toMatchObject({ state: 'canary', at: { serve: 50 } });
    expect(control.pause(dry).after.state).toBe('paused');
    expect(control.rollback({ ...dry, way: { kind: 'complete' } }).after.state).toBe('rolled_back');
    expect(control.abort(dry).after.state).toBe('aborted');
    expect(store.head()).toEqual(before);
  });

  it('refuses an advance without evidence, and names all that is missing', () => {
    const opened = started();
    const { control } = opened;
    expect(refuses(opened, () => control.advance(ASKED))).toEqual(['rollout.no-evidence', 4]);
    expect(refusal(() => control.advance(ASKED))).toMatchObject({
      problems: expect.arrayContaining([
        { path: 'pairs', message: '0 of 20 graded comparisons' },
        { path: 'cost', message: expect.stringContaining('unknown') },
      ]),
    });
    // Evidence of one step is none for the next.
    opened.observe(100);
    control.advance(ASKED);
    expect(refuses(opened, () => control.advance(ASKED))).toEqual(['rollout.no-evidence', 4]);
  });

  it('refuses an advance where harm is shown', () => {
    const opened = started();
    opened.observe(60, { grading: { state: 'scored', candidate: 1, reference: 9 } });
    expect(refuses(opened, () => opened.control.advance(ASKED))).toEqual(['rollout.harm', 1]);
  });

  it('refuses a second rollout until the first is over', () => {
    const opened = started();
    const { control } = opened;
    const plan = quickPlan();
    const again = (): unknown => control.start({ ...ASKED, plan, draft: false });
    expect(refuses(opened, again)).toEqual(['rollout.running', 2]);
    control.pause(ASKED);
    expect(refuses(opened, again)).toEqual(['rollout.running', 2]);
    control.rollback({ ...ASKED, way: { kind: 'immediate' } });
    expect(control.start({ ...ASKED, plan, draft: true })).toMatchObject({ rollout: 'r2' });
    expect(refuses(opened, again)).toEqual(['rollout.running', 2]);
  });

  it('refuses what makes no sense', () => {
    const opened = openStore();
    const { control } = opened;
    expect(refuses(opened, () => control.advance(ASKED))).toEqual(['rollout.none', 2]);
    expect(refuses(opened, () => control.start({ ...ASKED, draft: false }))).toEqual([
      'rollout.no-plan',
      2,
    ]);
    control.start({ ...ASKED, plan: quickPlan(), draft: false });
    expect(refuses(opened, () => control.resume(ASKED))).toEqual(['rollout.refused', 2]);
    const to = (serve: number) => () => control.rollback({ ...ASKED, way: { kind: 'to', serve } });
    expect(refuses(opened, to(20))).toEqual(['rollout.refused', 2]);
    control.pause(ASKED);
    expect(refuses(opened, () => control.advance(ASKED))).toEqual(['rollout.refused', 2]);
    control.rollback({ ...ASKED, way: { kind: 'immediate' } });
    for (const work of [() => control.advance(ASKED), () => control.resume(ASKED)]) {
      expect(refuses(opened, work)).toEqual(['rollout.rolled-back', 3]);
    }
  });

  it('has three ways back, each of one command', () => {
    const ways = [
      [{ kind: 'immediate' }, { state: 'rolled_back', complete: false, why: 'a test' }],
      [{ kind: 'complete' }, { state: 'rolled_back', complete: true, why: 'a test' }],
      [{ kind: 'partial' }, { state: 'paused', at: { serve: 20, cautious: true }, why: 'a test' }],
      [
        { kind: 'to', serve: 60 },
        { state: 'paused', at: { serve: 60, cautious: false }, why: 'a test' },
      ],
    ] as const;
    for (const [way, after] of ways) {
      const opened = started();
      climb(opened, 2);
      expect(opened.control.rollback({ ...ASKED, way }).after).toEqual(after);
    }
  });

  it('goes on from between two steps to the next one', () => {
    const opened = started();
    const { control } = opened;
    climb(opened, 2);
    control.rollback({ ...ASKED, way: { kind: 'to', serve: 60 } });
    control.resume(ASKED);
    opened.observe(60, { arm: 'candidate' });
    opened.observe(40, { arm: 'reference' });
    expect(control.advance(ASKED).after).toMatchObject({ state: 'canary', at: { serve: 80 } });
  });
});

describe('a clock that was set back', () => {
  it('lets nothing forward, names both times, and lets everything back', () => {
    const opened = started();
    const { control, clock } = opened;
    opened.observe(100);
    clock.at = START - HOUR_MS;
    expect(refuses(opened, () => control.advance(ASKED))).toEqual(['rollout.clock', 2]);
    expect(refusal(() => control.advance(ASKED)).message).toBe(
      'The clock says 2027-01-15T07:00:00.000Z, and entry 2 of the log was written at 2027-01-15T08:00:00.000Z.',
    );
    const [entry] = control.pause(ASKED).entries;
    expect(entry?.at).toBe(START);
    expect(refuses(opened, () => control.resume(ASKED))).toEqual(['rollout.clock', 2]);
    control.rollback({ ...ASKED, way: { kind: 'immediate' } });
    const start = (): unknown => control.start({ ...ASKED, plan: quickPlan(), draft: false });
    expect(refuses(opened, start)).toEqual(['rollout.clock', 2]);
    clock.at = START;
    start();
  });
});

describe('a log that was edited', () => {
  const edits: [string, string, string][] = [
    [
      'a changed reason',
      "UPDATE rollout_log SET text = replace(text, 'a test', 'a lie') WHERE seq = 2",
      'Entry 2 was changed.',
    ],
    [
      'a changed plan',
      `UPDATE rollout_log SET text = replace(text, '"margin":0.3', '"margin":0.4') WHERE seq = 1`,
      'Entry 1 was changed.',
    ],
    ['an entry gone', 'DELETE FROM rollout_log WHERE seq = 2', 'Entry 3 stands where entry 2 was'],
    ['its end gone', 'DELETE FROM rollout_log WHERE seq = 3', 'The log ended with entry 3'],
    [
      'what is no entry',
      "UPDATE rollout_log SET text = '{' WHERE seq = 2",
      'Entry 2 cannot be read',
    ],
    ['a head of its own', 'UPDATE rollout_head SET seq = 2', 'The log ended with entry 2'],
  ];

  it.each(edits)('%s is named, and nothing is done on it', (_what, sql, problem) => {
    const opened = started();
    const { control, database, store } = opened;
    opened.observe(100);
    control.advance(ASKED);
    database.exec(sql);
    expect(readLog(store)).toMatchObject({
      state: 'broken',
      problem: expect.stringContaining(problem),
    });
    for (const work of [
      () => control.advance(ASKED),
      () => control.pause(ASKED),
      () => control.rollback({ ...ASKED, way: { kind: 'immediate' } }),
      () => control.start({ ...ASKED, plan: quickPlan(), draft: false }),
    ]) {
      expect(refuses(opened, work)).toEqual(['rollout.log-edited', 1]);
    }
  });
});
