import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ExitCode } from '../../../core/errors.ts';
import type { Runtime } from '../../../runtime.ts';
import { serveCheck, type ServeCheckDeps, type ServeCheckPlan } from '../../../serving/check.ts';
import type { Arrivals } from '../../../serving/load.ts';
import type { LoadPlan } from '../../../serving/measure.ts';
import { createCheckHistory } from '../../../serving/history.ts';
import type { ServeReport, VerdictState } from '../../../serving/result.ts';
import { parseSlo } from '../../../serving/slo.ts';
import { openDatabase } from '../../../storage/database.ts';
import type { CommandContext, Host } from '../../main.ts';
import { runtimeFor } from '../../model.ts';
import { ServeCheckProgress } from './progress.ts';
import { toHtml } from './report/html.ts';
import { toTable } from './report/table.ts';
import { openTarget } from './open-target.ts';
import { targetsOf } from './targets.ts';

interface ServeCheckFlags {
  url?: string;
  model?: string;
  concurrency?: number[];
  rate?: number;
  requests?: number;
  maxTokens?: number;
  slo?: string;
  soak?: number;
  html?: string;
  compare?: 'last';
  load: boolean;
}

const LADDER = [1, 4, 16];
const LEAST_REQUESTS = 20;
const MAX_TOKENS = 64;
const SEED = 20_261_123;

const EXIT_CODES: Record<VerdictState, ExitCode> = {
  ready: ExitCode.Ok,
  'not-ready': ExitCode.GateFailed,
  'slo-missed': ExitCode.GateFailed,
  'too-few': ExitCode.Inconclusive,
};

/** `aqe-llm serve-check`: looks, measures, reports, and exits by the verdict. */
export async function serveCheckCommand(
  context: CommandContext,
  flags: ServeCheckFlags,
): Promise<ExitCode> {
  const { host, output } = context;
  const load = flags.load ? loadPlan(flags) : undefined;
  const runtime = await runtimeFor(context);
  const plan: ServeCheckPlan = {
    id: runtime.newRunId(),
    version: runtime.version,
    targets: await targetsOf(runtime, host.env, flags, host.signal),
    load,
    maxTokens: flags.maxTokens ?? MAX_TOKENS,
    loadMs: runtime.config.deadlines.firstTokenMs,
    compare: flags.compare === 'last',
  };
  const report = await follow(plan, depsOf(runtime, host), context);
  if (flags.html !== undefined) {
    const page = path.resolve(host.cwd, flags.html);
    await mkdir(path.dirname(page), { recursive: true });
    await writeFile(`${page}.new`, toHtml(report));
    await rename(`${page}.new`, page);
    output.note(`Page: ${page}`);
  }
  if (output.json) output.result(JSON.stringify(report, null, 2));
  else output.result(toTable(report, { width: output.width, color: output.color }));
  return EXIT_CODES[report.verdict.state];
}

function loadPlan(flags: ServeCheckFlags): LoadPlan {
  const { rate, concurrency = LADDER, requests, soak } = flags;
  const arrivals: Arrivals[] =
    rate === undefined
      ? concurrency.map((at) => ({ kind: 'closed', concurrency: at }))
      : [{ kind: 'open', ratePerSecond: rate }];
  const least = (step: Arrivals): number =>
    step.kind === 'closed' ? Math.max(LEAST_REQUESTS, 2 * step.concurrency) : LEAST_REQUESTS;
  const heaviest = arrivals.at(-1);
  return {
    steps: arrivals.map((step) => ({ arrivals: step, requests: requests ?? least(step) })),
    soak:
      soak === undefined || heaviest === undefined ? null : { arrivals: heaviest, requests: soak },
    maxTokens: flags.maxTokens ?? MAX_TOKENS,
    slo: flags.slo === undefined ? undefined : parseSlo(flags.slo),
    seed: SEED,
  };
}

function depsOf(runtime: Runtime, host: Host): ServeCheckDeps {
  return {
    fetch,
    clock: runtime.clock,
    proc: '/proc',
    cores: runtime.cores,
    own: () => ({
      heapBytes: process.memoryUsage().heapUsed,
      handles: process.getActiveResourcesInfo().length,
    }),
    open: openTarget(runtime, host.env),
    history: createCheckHistory(openDatabase(runtime.config.state)),
  };
}

async function follow(
  plan: ServeCheckPlan,
  deps: ServeCheckDeps,
  { host, output }: CommandContext,
): Promise<ServeReport> {
  const progress = new ServeCheckProgress(await output.progress());
  try {
    for await (const event of serveCheck(plan, deps, host.signal)) {
      if (event.type === 'finished') return event.report;
      progress.show(event);
    }
  } finally {
    progress.stop();
  }
  throw new Error('the check ended without a report');
}
