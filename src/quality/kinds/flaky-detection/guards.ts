import type { Executor, Rerun } from '../../execution/index.ts';
import { failedIn, type Lab } from './lab.ts';
import { calm } from './runs.ts';
import { hollow } from './spec.ts';

/** Mutants that are kept for each flaky test, and for the sound ones together. */
const MOST_GUARDS = 8;
const MOST_OTHERS = 6;
const LEAST_GUARDS = 2;

/** What a spec's tests must notice. */
export interface Guards {
  /** For each flaky test, by its place: mutants that no sound test kills, and that only its assertions do. */
  byTest: Map<number, string[]>;
  /** Mutants that the sound tests kill. */
  others: string[];
  /** For each mutant, the places of the tests that fail on it while nothing varies. */
  failing: Map<string, number[]>;
  problems: string[];
}

/**
 * Which mutants the spec kills while nothing varies. Those that only flaky tests kill guard them: a fix that deletes
 * the test, or empties its assertions, lets them live. So mutants that a test kills by merely calling the module are
 * none of its guards, nor are those that the mended spec does not kill.
 */
export async function measureGuards(
  lab: Lab,
  executor: Executor,
  still: number,
  failures: readonly number[][],
): Promise<Guards> {
  const { task, titles } = lab;
  const subject = { fileName: task.subject, source: task.subjectSource };
  const mutants = (await executor.listMutants(subject)).map(({ id }) => id);
  const outcomesOn = async (source: string): Promise<Map<string, Rerun | undefined>> => {
    const runs = [calm(still), ...mutants.map((id) => calm(still, id))];
    const [, ...outcomes] = await lab.run(source, runs);
    return new Map(mutants.map((id, index) => [id, outcomes[index]]));
  };
  const failing = new Map<string, number[]>();
  for (const [id, outcome] of await outcomesOn(task.specSource)) {
    // A hang costs seconds each time: it is neither shown nor graded.
    if (outcome?.state === 'ran') failing.set(id, failedIn(lab, outcome));
  }
  const flaky = titles.flatMap((_, index) => (failures[index]?.length ? [index] : []));
  const guards: Guards = { byTest: new Map(), others: [], failing, problems: [] };
  if (flaky.length === 0) return guards;

  const byFixed = await outcomesOn(task.counterpart.source);
  const emptied = hollow(task.specSource, new Set(flaky.map((index) => titles[index] ?? '')));
  const byEmptied = await outcomesOn(emptied);
  const isKilled = (outcome: Rerun | undefined): boolean =>
    outcome?.state === 'ran' && outcome.failures.length > 0;
  const kept = [...failing].filter(([id, tests]) => tests.length > 0 && isKilled(byFixed.get(id)));
  for (const test of flaky) {
    const own = kept.filter(
      ([id, tests]) =>
        tests.includes(test) &&
        tests.every((other) => flaky.includes(other)) &&
        !isKilled(byEmptied.get(id)),
    );
    guards.byTest.set(
      test,
      evenly(
        own.map(([id]) => id),
        MOST_GUARDS,
      ),
    );
    if (own.length < LEAST_GUARDS) {
      guards.problems.push(
        `only ${own.length} mutants need what “${titles[test]}” asserts, ${LEAST_GUARDS} are wanted`,
      );
    }
  }
  const bySound = kept.filter(([, tests]) => tests.some((test) => !flaky.includes(test)));
  guards.others = evenly(
    bySound.map(([id]) => id),
    MOST_OTHERS,
  );
  return guards;
}

function evenly<Item>(items: readonly Item[], most: number): Item[] {
  const step = Math.max(1, items.length / most);
  return items.filter((_, index) => Math.floor(index / step) > Math.floor((index - 1) / step));
}
