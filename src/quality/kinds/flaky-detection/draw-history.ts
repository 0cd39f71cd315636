import { createHash } from 'node:crypto';
import type { Rerun } from '../../execution/index.ts';
import type { HistoryRun } from './format.ts';
import type { Guards } from './guards.ts';
import { brief } from './history.ts';
import { failedIn, indexOfTest, type Lab } from './lab.ts';
import { perturbed, RERUNS } from './runs.ts';

/** Runs at one commit, at the next one, and at the one after. */
const BEFORE = 6;
const BETWEEN = 3;
const AFTER = 5;
/** More failures than this of one flaky test would make its history plain. */
const MOST_SHOWN = 7;

export interface Seen {
  outcomes: readonly Rerun[];
  failures: readonly number[][];
  still: number;
  guards: Guards;
}

/**
 * The runs that a model is shown, from real ones: at three commits, of which the second may have broken the module
 * (a mutant that fails one or two sound tests every time), so that a failure alone does not tell flaky.
 * @returns `undefined` when the task wants such a commit and no mutant makes one
 */
export async function drawHistory(lab: Lab, seen: Seen): Promise<HistoryRun[] | undefined> {
  const { outcomes, still, guards } = seen;
  const shown = BEFORE + BETWEEN + AFTER;
  const first = windowOf(seen, shown);
  const window = outcomes.slice(first, first + shown);
  const between = window.slice(BEFORE, BEFORE + BETWEEN);
  let broken: Rerun[] | undefined;
  if (lab.task.regression) {
    const seeds = { from: first + BEFORE + 1, to: first + BEFORE + BETWEEN };
    const runs = perturbed(seeds.from, seeds.to, still);
    for (const mutant of candidates(lab, seen)) {
      const tried = await lab.run(lab.task.specSource, [
        // Unchanged runs first: they tell how often a place is reached.
        ...runs,
        ...runs.map((run) => ({ ...run, mutant })),
      ]);
      const found = tried.slice(runs.length);
      if (isRegression(lab, found, between, guards.failing.get(mutant) ?? [])) {
        broken = found;
        break;
      }
    }
    if (broken === undefined) return undefined;
  }
  const at = (commit: number, runs: readonly Rerun[]): HistoryRun[] =>
    runs.flatMap((outcome) => shownRun(lab, commitName(lab, commit), outcome));
  return [
    ...at(1, window.slice(0, BEFORE)),
    ...at(broken === undefined ? 1 : 2, broken ?? between),
    ...at(broken === undefined ? 2 : 3, window.slice(BEFORE + BETWEEN)),
  ];
}

/** Where the runs begin that are shown: where each flaky test fails, and none too often. */
function windowOf({ failures }: Seen, shown: number): number {
  const flaky = failures.filter((runs) => runs.length > 0);
  const fit = (first: number, most: number): boolean =>
    flaky.every((runs) => {
      const times = runs.filter(
        (run) =>
          run >= first &&
          run < first + shown &&
          (run < first + BEFORE || run >= first + BEFORE + BETWEEN),
      ).length;
      return times > 0 && times <= most;
    });
  for (const most of [MOST_SHOWN, shown]) {
    for (let first = 0; first + shown <= RERUNS; first += 1) if (fit(first, most)) return first;
  }
  return 0;
}

/** What the mutator puts in the place of nothing; in a message it would give away that nobody wrote the commit. */
const MADE_UP = 'Stryker was here';

/** Mutants that fail one or two sound tests, and only sound ones, in an order of the task's own. */
function candidates({ task }: Lab, { guards, failures }: Seen): string[] {
  return [...guards.failing]
    .filter(
      ([id, tests]) =>
        !id.includes(MADE_UP) &&
        tests.length >= 1 &&
        tests.length <= 2 &&
        tests.every((test) => failures[test]?.length === 0),
    )
    .map(([id]) => ({ id, key: digest(`${task.id} ${id}`) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ id }) => id);
}

/** Whether a mutant's runs fail what it fails while nothing varies, each time, and otherwise just what fails anyway. */
function isRegression(
  lab: Lab,
  found: readonly Rerun[],
  without: readonly Rerun[],
  failing: readonly number[],
): boolean {
  return found.every((outcome, index) => {
    const wanted = new Set([...failing, ...failedIn(lab, without[index])]);
    const failed = new Set(failedIn(lab, outcome));
    return failed.size === wanted.size && [...wanted].every((test) => failed.has(test));
  });
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function commitName({ task }: Lab, nth: number): string {
  return digest(`${task.id} commit ${nth}`).slice(0, 7);
}

function shownRun({ titles }: Lab, commit: string, outcome: Rerun): HistoryRun[] {
  if (outcome.state !== 'ran') return [];
  const { order, ...circumstances } = outcome.circumstances;
  const number = (name: string): number => indexOfTest(titles, name) + 1;
  const failures = outcome.failures
    .map(({ test, message }) => ({ test: number(test), message: brief(message) }))
    .sort((a, b) => a.test - b.test);
  return [{ ...circumstances, commit, order: order.map(number), failures }];
}
