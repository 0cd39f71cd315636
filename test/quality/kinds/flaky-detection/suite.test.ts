import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createExecutor } from '../../../../src/quality/execution/index.ts';
import { CAUSES, type Cause } from '../../../../src/quality/kinds/flaky-detection/causes.ts';
import { flakyDetection } from '../../../../src/quality/kinds/flaky-detection/kind.ts';
import type { FlakyDetectionTask } from '../../../../src/quality/kinds/flaky-detection/task.ts';
import type { KindDeps } from '../../../../src/quality/kinds/kind.ts';
import { openSandbox } from '../../../../src/quality/sandbox/open-sandbox.ts';
import { probeSandbox } from '../../../../src/quality/sandbox/probe.ts';
import { loadSuite } from '../../../../src/quality/suites/suite.ts';
import { createTypeChecker } from '../../../../src/quality/type-check.ts';
import { realDeps, temporaryFolder } from '../../sandbox/machine.ts';

const FOLDER = fileURLToPath(new URL('../../../../fixtures/suites/qe-100', import.meta.url));

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let tasks: FlakyDetectionTask[];
let deps: KindDeps;
let template: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  const machine = realDeps(folder.path);
  const sandbox = openSandbox(machine, await probeSandbox(machine), { allowUnsafe: false });
  deps = { executor: createExecutor({ sandbox }), typeCheck: createTypeChecker(), sandbox };
  const suite = await loadSuite(FOLDER);
  tasks = suite.tasks.filter((task) => task.category === 'flaky-detection');
  template = suite.prompts['flaky-detection'] ?? '';
});
afterAll(() => folder.remove());

const testsOf = (task: FlakyDetectionTask) => task.measured?.tests ?? [];
const isFlaky = (task: FlakyDetectionTask) => testsOf(task).some(({ failed }) => failed.length > 0);

async function score(task: FlakyDetectionTask, text: string): Promise<number> {
  const answer = { text, truncated: false, looped: false };
  return (await flakyDetection.grade(task, answer, 'linear', deps)).score;
}

describe('the tasks of flaky detection', () => {
  it('are twelve flaky and eight stable ones, each with a source of its own', () => {
    expect(tasks).toHaveLength(20);
    expect(tasks.filter(isFlaky)).toHaveLength(12);
    expect(new Set(tasks.map(({ cluster }) => cluster)).size).toBe(20);
    for (const { id, complexity } of tasks)
      expect(id).toMatch(new RegExp(`^fd-${complexity}-\\d$`));
  });

  it('have all causes, in flaky and in stable specs', () => {
    const causes = (some: FlakyDetectionTask[]) =>
      [...new Set(some.flatMap((task) => Object.values(task.causes)))].sort();
    expect(causes(tasks.filter(isFlaky))).toEqual([...CAUSES].sort());
    expect(causes(tasks.filter((task) => !isFlaky(task)))).toEqual([...CAUSES].sort());
  });

  it('were measured as they stand: flaky tests fail in some of 100 reruns, only by their cause', () => {
    for (const task of tasks) {
      expect({ id: task.id, subject: task.measured?.subject }).toEqual({
        id: task.id,
        subject: flakyDetection.fingerprint(task),
      });
      expect(task.measured?.reruns).toBe(100);
      for (const { title, cause, failed, evidence, guards } of testsOf(task)) {
        expect(cause ?? undefined).toBe(task.causes[title]);
        const shows = task.counterpart.kind === 'fixed' ? cause !== null : false;
        expect({ title, isFlaky: failed.length > 0 && failed.length < 100 }).toEqual({
          title,
          isFlaky: shows,
        });
        if (cause === null) continue;
        expect(evidence?.all).toBeGreaterThan(0);
        expect(evidence?.cause).toBeGreaterThan(0);
        expect(evidence?.others).toBe(0);
        if (shows) expect(guards?.length).toBeGreaterThan(1);
      }
    }
  });

  it('show runs in which every flaky test failed, and sound ones too', () => {
    for (const task of tasks) {
      const history = task.measured?.history ?? [];
      expect(history).toHaveLength(14);
      const failed = new Set(history.flatMap((run) => run.failures.map(({ test }) => test)));
      const sound = [...failed].filter((test) => testsOf(task)[test - 1]?.failed.length === 0);
      expect({ id: task.id, sound: sound.length > 0 }).toEqual({ id: task.id, sound: true });
      for (const [index, test] of testsOf(task).entries()) {
        if (test.failed.length > 0) expect(failed).toContain(index + 1);
      }
    }
  });

  it('are asked with source, spec and history, and without what gives them away', () => {
    for (const task of tasks) {
      const prompt = flakyDetection.prompt(task, template);
      expect(prompt).toContain(task.subjectSource.trimEnd());
      expect(prompt).toContain('// test 2\n');
      expect(prompt).toMatch(/\| 14 \| [\da-f]{7} \|/);
      expect(prompt).not.toMatch(/aqe:|unguarded|Stryker|\{\{/);
      expect(prompt.length).toBeLessThan(10_000);
    }
  });

  it('are asked with the failures of each test, as many as the runs above show', () => {
    for (const task of tasks) {
      const prompt = flakyDetection.prompt(task, template);
      const rows = prompt.split('\n').filter((line) => /^\| \d+ \| [\da-f]{7} \|/.test(line));
      for (const index of testsOf(task).keys()) {
        const number = index + 1;
        const runs = rows.flatMap((row, run) =>
          row.includes(`test ${number} failed: `) ? [run + 1] : [],
        );
        const which = runs.length === 0 ? '' : `: ${runs.join(', ')}`;
        expect(prompt).toContain(
          `\n- test ${number} failed in ${runs.length} of 14 runs${which}\n`,
        );
      }
    }
  });

  it('give little for the same word on every test', async () => {
    const words: { flaky: boolean; cause: Cause | 'none' }[] = [true, false].flatMap((flaky) =>
      [...CAUSES, 'none' as const].map((cause) => ({ flaky, cause })),
    );
    for (const word of words) {
      const scores = await Promise.all(
        tasks.map((task) => {
          const entries = testsOf(task).map((_, index) => ({ test: index + 1, ...word }));
          return score(task, JSON.stringify({ tests: entries }));
        }),
      );
      const mean = scores.reduce((sum, each) => sum + each, 0) / scores.length;
      expect({ word, little: mean < 1.2 }).toEqual({ word, little: true });
    }
  });

  it('give more to who looks at the history, knows what is flaky, and why', async () => {
    type Entry = { flaky: boolean; cause: Cause | 'none' };
    type Says = (task: FlakyDetectionTask, index: number) => Entry;
    const hasFailed = (task: FlakyDetectionTask, index: number): boolean =>
      (task.measured?.history ?? []).some(({ failures }) =>
        failures.some(({ test }) => test === index + 1),
      );
    const isFlakyTest = (task: FlakyDetectionTask, index: number): boolean =>
      (testsOf(task)[index]?.failed.length ?? 0) > 0;
    const cause = (task: FlakyDetectionTask, index: number): Cause | 'none' =>
      testsOf(task)[index]?.cause ?? 'none';
    const inTurn: Entry[] = [
      { flaky: true, cause: 'async-wait' },
      { flaky: false, cause: 'none' },
      { flaky: false, cause: 'time' },
    ];
    const rows: Record<string, Says> = {
      'three entries in turn': (_, index) => inTurn[index % 3] ?? { flaky: false, cause: 'none' },
      'what has failed': (task, index) => ({ flaky: hasFailed(task, index), cause: 'none' }),
      'right verdicts': (task, index) => ({ flaky: isFlakyTest(task, index), cause: 'none' }),
      'and why they are flaky': (task, index) => {
        const flaky = isFlakyTest(task, index);
        return { flaky, cause: flaky ? cause(task, index) : 'none' };
      },
      'and what keeps the others from it': (task, index) => ({
        flaky: isFlakyTest(task, index),
        cause: cause(task, index),
      }),
    };
    const means: Record<string, number> = {};
    for (const [name, says] of Object.entries(rows)) {
      const scores = await Promise.all(
        tasks.map((task) => {
          const entries = testsOf(task).map((_, index) => ({
            test: index + 1,
            ...says(task, index),
          }));
          return score(task, JSON.stringify({ tests: entries }));
        }),
      );
      means[name] = Number((scores.reduce((sum, each) => sum + each, 0) / 20).toFixed(1));
    }
    // The table in docs/grading.md.
    expect(means).toEqual({
      'three entries in turn': 1.6,
      'what has failed': 1.9,
      'right verdicts': 3.2,
      'and why they are flaky': 4.4,
      'and what keeps the others from it': 7.6,
    });
  });

  it('give nothing for the form in the prompt, copied', async () => {
    const scores = await Promise.all(
      tasks.map((task) => {
        const [form = ''] = /```json\n\{[^`]*```/.exec(flakyDetection.prompt(task, template)) ?? [];
        expect(form.match(/"flaky": …/g)).toHaveLength(testsOf(task).length);
        return score(task, form);
      }),
    );
    expect(scores).toEqual(tasks.map(() => 0));
  });

  it('give nothing for the spec as it stands, whatever is said of it', async () => {
    const task = tasks.find(isFlaky);
    if (task === undefined) throw new Error('no flaky task');
    expect(await score(task, `\`\`\`ts\n${task.specSource}\n\`\`\``)).toBe(0);
  });

  it('show again, in their first reruns, what was measured', { timeout: 120_000 }, async () => {
    for (const task of tasks) {
      const { problems } = await flakyDetection.check(task, deps, new AbortController().signal);
      expect({ id: task.id, problems }).toEqual({ id: task.id, problems: [] });
    }
  });

  // All twenty are graded by `baseline suite check`.
  it.each(['fd-simple-3', 'fd-moderate-2', 'fd-complex-3', 'fd-complex-6'])(
    'give ten to the written answer and nothing to none: %s',
    async (id) => {
      const task = tasks.find((each) => each.id === id);
      if (task === undefined) throw new Error(`no ${id}`);
      expect(await score(task, flakyDetection.goldAnswer(task))).toBe(10);
      expect(await score(task, '')).toBe(0);
    },
  );

  it('are measured the same again', async () => {
    const task = tasks.find(({ id }) => id === 'fd-moderate-4');
    if (task === undefined) throw new Error('no task');
    const outcome = await flakyDetection.build(task, deps, new AbortController().signal);
    expect(outcome).toMatchObject({ state: 'built', measured: task.measured });
  });
});
