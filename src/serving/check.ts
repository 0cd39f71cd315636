import { createHttp } from './http.ts';
import { compareSteps, labelOf } from './compare.ts';
import {
  examineCloud,
  examineLocal,
  type ExamineDeps,
  type ExamineEvent,
  type ExaminePlan,
} from './examine.ts';
import type { CheckHistory } from './history.ts';
import { probe } from './probe/probe.ts';
import type { ServeReport, TargetReport, VerdictState } from './result.ts';
import type { Target } from './target.ts';

export interface ServeCheckDeps extends ExamineDeps {
  history: CheckHistory;
}

export interface ServeCheckPlan extends ExaminePlan {
  id: string;
  version: string;
  targets: readonly Target[];
  /** Whether to compare with the last check of the same server and model. */
  compare: boolean;
}

export type ServeCheckEvent =
  | { type: 'target'; target: Target }
  | ExamineEvent
  | { type: 'finished'; report: ServeReport };

/** Checks one target after the other, keeps what was found, and judges. @throws the signal's reason when aborted */
export async function* serveCheck(
  plan: ServeCheckPlan,
  deps: ServeCheckDeps,
  signal: AbortSignal,
): AsyncGenerator<ServeCheckEvent, void> {
  const startedAt = new Date(deps.clock.now()).toISOString();
  const targets: TargetReport[] = [];
  for (const target of plan.targets) {
    yield { type: 'target', target };
    const report = yield* examine(target, plan, deps, signal);
    const { load } = report;
    const last = plan.compare && load.state === 'measured' ? deps.history.last(report) : undefined;
    if (load.state === 'measured' && last?.target.load.state === 'measured') {
      if (last.maxTokens === plan.maxTokens)
        load.change = compareSteps(last.startedAt, last.target.load.steps, load.steps);
    }
    targets.push(report);
  }
  const { id, version, maxTokens, load } = plan;
  const report: ServeReport = {
    schema: 'aqe-llm/serve-check@1',
    check: { id, startedAt, version, cores: deps.cores, maxTokens, slo: load?.slo ?? null },
    verdict: judge(targets),
    targets,
  };
  deps.history.save(report);
  yield { type: 'finished', report };
}

async function* examine(
  target: Target,
  plan: ExaminePlan,
  deps: ExamineDeps,
  signal: AbortSignal,
): AsyncGenerator<ExamineEvent, TargetReport> {
  return target.tier === 'cloud'
    ? yield* examineCloud(target, deps)
    : yield* examineLocal(target, plan, deps, signal);
}

/** Of these addresses, those where a model server answers. */
export async function findServers(
  addresses: Readonly<Record<string, string>>,
  deps: Pick<ExamineDeps, 'fetch' | 'clock'>,
  signal: AbortSignal,
): Promise<Target[]> {
  const found = await Promise.all(
    Object.entries(addresses).map(async ([name, url]): Promise<Target[]> => {
      const { state } = await probe(createHttp({ url, apiKey: undefined, ...deps, signal }));
      return state === 'unreachable' || state === 'unknown'
        ? []
        : [{ tier: 'found', name, url, model: null }];
    }),
  );
  return found.flat();
}

/** Ready, unless a target is not; then the objective, which has to be kept at each step. */
export function judge(targets: readonly TargetReport[]): ServeReport['verdict'] {
  const unready = targets.flatMap(({ name, checks }) =>
    checks
      .filter(({ state }) => state === 'failed')
      .map(({ id, detail }) => `${name}: ${id}: ${detail}`),
  );
  const steps = targets.flatMap(({ name, load }) =>
    load.state === 'measured' ? load.steps.map((step) => ({ name, step })) : [],
  );
  const silent = steps
    .filter(({ step }) => step.answered === 0)
    .map(({ name, step }) => `${name}: no request was answered, ${labelOf(step.arrivals)}`);
  const reasonsOf = (verdict: string, words: string): string[] =>
    steps
      .filter(({ step }) => step.goodput?.verdict === verdict)
      .map(({ name, step: { arrivals, goodput, requests } }) => {
        const share = Math.round((goodput?.share ?? 0) * 100);
        return `${name}: ${share} % of ${requests} requests kept the objective, ${labelOf(arrivals)}${words}`;
      });
  const missed = reasonsOf('missed', '');
  const few = reasonsOf('too-few', ': at least 20 are needed to judge');
  const outcomes: [VerdictState, string[]][] = [
    ['not-ready', targets.length === 0 ? ['there is nothing to check'] : [...unready, ...silent]],
    ['slo-missed', missed],
    ['too-few', few],
  ];
  const [state, reasons] = outcomes.find(([, why]) => why.length > 0) ?? ['ready', []];
  return { state, reasons };
}
