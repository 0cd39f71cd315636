import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { gradeFlakyDetection } from '../../../../src/quality/kinds/flaky-detection/grade.ts';
import { loadSuite } from '../../../../src/quality/suites/suite.ts';
import type { FlakyDetectionTask } from '../../../../src/quality/kinds/flaky-detection/task.ts';
import { plainSandbox } from '../../execution/plain-sandbox.ts';

const FOLDER = fileURLToPath(new URL('../../../../fixtures/suites/qe-100', import.meta.url));
let tasks: Map<string, FlakyDetectionTask>;

beforeAll(async () => {
  const suite = await loadSuite(FOLDER);
  const found = suite.tasks.filter((task) => task.category === 'flaky-detection');
  tasks = new Map(found.map((task) => [task.id, task]));
});

/** Points for the fix, of 40, and what became of it. */
async function fixed(id: string, fix: string) {
  const task = tasks.get(id);
  if (task?.measured === undefined) throw new Error(`${id} is not there`);
  const answer = { text: `\`\`\`ts\n${fix}\n\`\`\``, truncated: false, looped: false };
  const { measured } = task;
  const grade = await gradeFlakyDetection(
    { ...task, measured },
    answer,
    plainSandbox({ idleMs: 2000 }),
  );
  return { points: grade.parts[2]?.points, fix: grade.evidence.fix };
}

describe('a fix', () => {
  it.each([
    [
      'a fixed sequence',
      'const values = [0.1, 0.9, 0.2, 0.5]; const { dice, kept, total } = roll("4d6k3+2", () => values.shift() ?? 0);',
    ],
    [
      'a stub of Math.random',
      'vi.spyOn(Math, "random").mockReturnValueOnce(0.1).mockReturnValueOnce(0.9).mockReturnValueOnce(0.2).mockReturnValueOnce(0.5); const { dice, kept, total } = roll("4d6k3+2"); vi.restoreAllMocks();',
    ],
    ['no bound', 'const { dice, kept, total } = roll("4d6k3+2");'],
  ])('with %s holds, and earns most points', async (_, setUp) => {
    const { points } = await fixed(
      'fd-simple-4',
      `it('adds the bonus to the highest dice', () => {
        ${setUp}
        expect(dice).toHaveLength(4);
        expect(kept).toEqual([...dice].sort((a, b) => b - a).slice(0, 3));
        expect(total).toBe(kept[0] + kept[1] + kept[2] + 2);
      });`,
    );
    expect(points).toBeGreaterThanOrEqual(30);
  });

  it.each([
    [
      'a hook',
      "beforeEach(() => { process.env.TZ = 'UTC'; });\nit('counts the visits of each day', () => { const counts = countByDay([new Date('2026-03-04T08:15:00Z'), new Date('2026-03-04T23:30:00Z'), new Date('2026-10-11T12:00:00Z')]); expect([...counts]).toEqual([['2026-03-04', 2], ['2026-10-11', 1]]); });",
    ],
    [
      'local times',
      "it('counts the visits of each day', () => { const counts = countByDay([new Date('2026-03-04T08:15:00'), new Date('2026-03-04T23:30:00'), new Date('2026-10-11T12:00:00')]); expect([...counts]).toEqual([['2026-03-04', 2], ['2026-10-11', 1]]); });",
    ],
  ])('of a time zone by %s holds', async (_, fix) => {
    expect((await fixed('fd-simple-2', fix)).points).toBe(40);
  });

  it('of a whole file holds', async () => {
    const { counterpart } = tasks.get('fd-complex-1') ?? {};
    expect((await fixed('fd-complex-1', counterpart?.source ?? '')).points).toBe(40);
  });

  it('of one of two flaky tests earns half', async () => {
    const reset =
      "it('starts a series at one', () => { resetNumbers(); expect(lastNumber('INV')).toBeUndefined(); expect(nextNumber('INV')).toBe('INV-0001'); });";
    const { points, fix } = await fixed('fd-simple-3', reset);
    expect(fix).toMatchObject({ mended: [{ survived: true }, { survived: false }] });
    expect(points).toBeGreaterThan(10);
    expect(points).toBeLessThanOrEqual(20);
  });

  const TITLE = 'adds the bonus to the highest dice';
  it.each([
    [
      'asserts nothing of it',
      `it('${TITLE}', () => { roll('4d6k3+2'); expect(true).toBe(true); });`,
    ],
    [
      'asserts what always holds',
      `it('${TITLE}', () => { const { dice, kept, total } = roll('4d6k3+2'); expect(dice).toBeDefined(); expect(kept).toBeDefined(); expect(typeof total).toBe('number'); });`,
    ],
    ['has no assertion', `it('${TITLE}', () => { roll('4d6k3+2'); });`],
    [
      'is skipped',
      `it.skip('${TITLE}', () => { expect(roll('4d6k3+2').total).toBeGreaterThan(10); });`,
    ],
    ['is left to do', `it.todo('${TITLE}');\nit('x', () => { expect(1).toBe(1); });`],
    [
      'tries again',
      `it('${TITLE}', { retry: 20 }, () => { const { total } = roll('4d6k3+2'); expect(total).toBeGreaterThan(10); });`,
    ],
    [
      'is as flaky as before',
      `it('${TITLE}', () => { const { dice, total } = roll('4d6k3+2'); expect(dice).toHaveLength(4); expect(total).toBeGreaterThan(9); });`,
    ],
    ['always fails', `it('${TITLE}', () => { expect(roll('4d6k3+2').total).toBe(-1); });`],
    ['never ends', `it('${TITLE}', () => { for (;;); });`],
    ['ends the process', `it('${TITLE}', () => { process.exit(0); });`],
    [
      'does not load',
      `import { missing } from './missing';\nit('${TITLE}', () => { expect(missing).toBe(1); });`,
    ],
    ['runs only itself', `it.only('refuses what is no dice', () => { expect(1).toBe(1); });`],
    [
      'forges messages',
      `it('${TITLE}', () => { console.log('{"type":"done"}'); process.stdout.write('{"type":"done"}'); expect(1).toBe(1); });`,
    ],
  ])('that %s earns nothing', async (_, fix) => {
    expect((await fixed('fd-simple-4', fix)).points).toBe(0);
  });

  it('that breaks a sound test earns nothing', async () => {
    const fix = `const roll = () => ({ dice: [1, 2, 3, 4], kept: [4, 3, 2], total: 11 });\nit('${TITLE}', () => { expect(roll('4d6k3+2').total).toBe(11); });`;
    expect((await fixed('fd-simple-4', fix)).points).toBe(0);
  });

  it('is given up early when it mends nothing', async () => {
    const { fix } = await fixed(
      'fd-simple-4',
      `it('${TITLE}', () => { expect(Math.random()).toBeLessThan(0.4); });`,
    );
    expect(fix).toMatchObject({ state: 'ran', reruns: 20, others: { killed: 0 } });
  });

  it('of a stable spec is needless', async () => {
    const { fix } = await fixed('fd-simple-5', `it('x', () => { expect(1).toBe(1); });`);
    expect(fix).toEqual({ state: 'needless' });
  });

  it('is run with the lab of its task', async () => {
    const task = tasks.get('fd-complex-4');
    const spec = await readFile(path.join(task?.folder ?? '', 'dev-servers.test.ts'), 'utf8');
    expect(spec).toContain("from './lab'");
    const { fix } = await fixed('fd-complex-4', spec.replace('resolve, 30', 'resolve, 900'));
    expect(fix).toMatchObject({ mended: [{ survived: false }, { survived: true }] });
  });
});
