import { AppError } from '../../core/errors.ts';
import { categoryReports } from '../categories.ts';
import type {
  BaselineReport,
  CandidateReport,
  RunFacts,
  SideReport,
  TaskResult,
} from '../result.ts';
import { summarize } from '../summary.ts';
import { judge } from '../verdict.ts';
import { sidesOf, type RunPlan } from './plan.ts';
import type { RunStore } from './run-store.ts';

/**
 * The report of a stored run, as far as it has come.
 * @throws AppError `baseline.no-report` when a side has not been run yet
 */
export function storedReport(
  { id, plan, startedAt }: { id: string; plan: RunPlan; startedAt: string },
  store: RunStore,
): BaselineReport {
  const place = new Map(plan.taskIds.map((task, index) => [task, index]));
  const order = (result: TaskResult): number => place.get(result.id) ?? 0;
  const environment = store.environment(id);
  const versions = { ...environment?.versions };
  const sides = sidesOf(plan).map(({ side, title }) => {
    const known = store.side(id, side);
    if (known === undefined || environment === undefined) {
      throw new AppError('baseline.no-report', `Run ${id} has not come as far as a report.`, {
        hint: `Go on with it: aqe-llm baseline --resume ${id}`,
      });
    }
    for (const [name, version] of Object.entries(known.versions)) {
      versions[`${title}.${name}`] = version;
    }
    const results = store
      .results(id, side)
      .toSorted((a, b) => order(a) - order(b) || a.repeat - b.repeat);
    return summarize(known.name, results, store.spending(id, side).usd);
  });
  const [reference, ...candidates] = sides;
  if (reference === undefined) throw new Error('a run without a reference');
  const facts: RunFacts = {
    id,
    suite: plan.suiteName,
    suiteHash: plan.suiteHash,
    seed: plan.seed,
    repeats: plan.repeats,
    maxTokens: plan.maxTokens,
    temperature: plan.temperature,
    rubric: plan.rubric,
    shard: plan.shard,
    thresholds: plan.thresholds,
    startedAt,
    sandbox: environment?.sandbox ?? '',
    versions,
  };
  return assemble(facts, reference, candidates);
}

/** The one report that its sides make: verdicts and categories follow from their tasks. */
export function assemble(
  run: RunFacts,
  reference: SideReport,
  candidates: readonly SideReport[],
): BaselineReport {
  return {
    schema: 'aqe-llm/baseline@2',
    run,
    reference,
    candidates: candidates.map((candidate, index): CandidateReport => {
      const categories = categoryReports(candidate, reference, run);
      return {
        ...candidate,
        id: uniqueId(candidates, index),
        verdict: judge(candidate, reference, categories, run),
        categories,
      };
    }),
  };
}

/** Two files of one name are told apart. */
function uniqueId(candidates: readonly SideReport[], index: number): string {
  const id = candidates[index]?.id ?? '';
  const before = candidates.slice(0, index).filter((other) => other.id === id).length;
  return before === 0 ? id : `${id} (${before + 1})`;
}
