import { createRerunner, SourceError, type Rerun, type RunSpec } from '../../execution/index.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { titlesIn } from './spec.ts';
import { jobOf, type FlakyDetectionTask } from './task.ts';

/** Runs versions of one task's spec. */
export interface Lab {
  task: FlakyDetectionTask;
  /** Titles of the spec's tests, in its order. */
  titles: string[];
  /** @throws SourceError when a run without a mutant breaks */
  run(source: string, runs: readonly RunSpec[]): Promise<Rerun[]>;
}

export function openLab(task: FlakyDetectionTask, sandbox: Sandbox, signal: AbortSignal): Lab {
  const rerunner = createRerunner({ sandbox });
  return {
    task,
    titles: titlesIn(task.specSource),
    async run(source, runs) {
      const outcomes = await rerunner.rerun(jobOf(task, source, runs), signal);
      for (const [index, outcome] of outcomes.entries()) {
        if (outcome.state === 'broken' && runs[index]?.mutant === undefined) {
          throw new SourceError(outcome.message);
        }
      }
      return outcomes;
    },
  };
}

/** The place of a test by its full name, `suite > title`; -1 where the spec has none of this title. */
export function indexOfTest(titles: readonly string[], name: string): number {
  return titles.findIndex((title) => name === title || name.endsWith(` > ${title}`));
}

/** Places of the tests that failed in a run; all of them when it broke. */
export function failedIn({ titles }: Pick<Lab, 'titles'>, outcome: Rerun | undefined): number[] {
  if (outcome?.state !== 'ran') return titles.map((_, index) => index);
  return outcome.failures.map(({ test }) => indexOfTest(titles, test));
}

/** For each test of the spec, the runs in which it failed, by their place. */
export function failuresByTest(lab: Pick<Lab, 'titles'>, outcomes: readonly Rerun[]): number[][] {
  const found = lab.titles.map((): number[] => []);
  for (const [run, outcome] of outcomes.entries()) {
    for (const test of failedIn(lab, outcome)) found[test]?.push(run);
  }
  return found;
}
