import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError, ExitCode } from '../../../core/errors.ts';
import { comparisonToTable } from '../../../quality/reports/comparison.ts';
import { readReport, type ReadSide } from '../../../quality/reports/read-report.ts';
import type { BaselineReport } from '../../../quality/result.ts';
import { compareSides, type ComparedSide } from '../../../quality/run/compare.ts';
import { REFERENCE } from '../../../quality/run/plan.ts';
import { storedReport } from '../../../quality/run/report.ts';
import type { RunStore } from '../../../quality/run/run-store.ts';
import type { CommandContext } from '../../main.ts';
import { runtimeFor } from '../../model.ts';

interface CompareFlags {
  failIfWorse?: boolean;
}

/** `baseline compare`: two sides of stored runs or of JSON files, task by task. */
export async function compareCommand(
  context: CommandContext,
  before: string,
  after: string,
  flags: CompareFlags,
): Promise<ExitCode> {
  const { host, output } = context;
  const runtime = await runtimeFor(context);
  const store = runtime.openStore();
  const comparison = compareSides(
    await sideNamed(before, host.cwd, store),
    await sideNamed(after, host.cwd, store),
  );
  output.result(
    output.json
      ? JSON.stringify(comparison, null, 2)
      : comparisonToTable(comparison, { width: output.width, color: output.color }),
  );
  return flags.failIfWorse === true && comparison.state === 'worse'
    ? ExitCode.GateFailed
    : ExitCode.Ok;
}

/** `<run id or JSON file>`, with `#<candidate>` where a run has several, or `#reference`. */
async function sideNamed(name: string, cwd: string, store: RunStore): Promise<ComparedSide> {
  const at = name.lastIndexOf('#');
  const [source, wanted] = at < 0 ? [name, undefined] : [name.slice(0, at), name.slice(at + 1)];
  const { run, reference, candidates } = await reportNamed(source, cwd, store);
  const side = sideOf(source, wanted, reference, candidates);
  return {
    runId: run.id,
    suite: run.suite,
    suiteHash: run.suiteHash,
    id: side.id,
    tasks: side.tasks,
  };
}

async function reportNamed(
  source: string,
  cwd: string,
  store: RunStore,
): Promise<{ run: BaselineReport['run']; reference: ReadSide; candidates: ReadSide[] }> {
  const file = path.resolve(cwd, source);
  if (existsSync(file)) return readReport(source, await readFile(file, 'utf8'));
  const run = source === 'latest' ? store.newest('any') : store.find(source);
  if (run === undefined) {
    throw new AppError('baseline.no-run', `There is no run and no file ${source}.`, {
      hint: '`aqe-llm baseline history` lists the runs of this state folder; a file is what --json printed.',
    });
  }
  return storedReport(run, store);
}

function sideOf(
  source: string,
  wanted: string | undefined,
  reference: ReadSide,
  candidates: readonly ReadSide[],
): ReadSide {
  if (wanted === REFERENCE) return reference;
  const [first, ...others] = candidates;
  const named =
    wanted === undefined
      ? others.length === 0
        ? first
        : undefined
      : candidates.find(({ id }, index) => id === wanted || String(index + 1) === wanted);
  if (named !== undefined) return named;
  const ids = candidates.map(({ id }) => id).join(', ');
  throw new AppError(
    'baseline.no-side',
    wanted === undefined
      ? `${source} has several candidates.`
      : `${source} has no candidate ${wanted}.`,
    { hint: `Name one of ${ids}, its number, or reference, as in ${source}#1.` },
  );
}
