import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { readRecordings } from '../../src/quality/run/recording-file.ts';
import { spawnCli } from '../cli/run-cli.ts';

/** What real models answered to the built-in suite, as `baseline record` writes it; smallest first. */
const RECORDINGS = fileURLToPath(
  new URL('../../benchmarks/results/qe-100/recordings', import.meta.url),
);
/** Of the built-in suite. */
const TASKS = 100;
/** Most tasks on which all models may be equally right, or equally get nothing. */
const ALIKE_MOST = 1 / 3;
/** A task is right from this score on. */
const RIGHT = 9.5;
const NOTHING = 0;

const reportSchema = z.object({
  run: z.object({ id: z.string() }),
  candidates: z.array(
    z.object({
      tasks: z.array(
        z.object({
          id: z.string(),
          category: z.string(),
          state: z.literal('graded'),
          score: z.number(),
        }),
      ),
    }),
  ),
});
type ScoredTask = z.output<typeof reportSchema>['candidates'][number]['tasks'][number];

const differenceSchema = z.object({
  difference: z.number(),
  lower: z.number().nullable(),
  upper: z.number().nullable(),
});
const comparisonSchema = z.object({
  state: z.string(),
  overall: differenceSchema,
  categories: z.array(differenceSchema.extend({ category: z.string() })),
});

/**
 * Grades anew what three real models answered to all 100 tasks, and proves that the suite tells them
 * apart: each larger one is better by an interval that lies above 0, and less than a third of the
 * tasks are alike for all.
 */
export async function run(out: (line: string) => void): Promise<boolean> {
  const cwd = await mkdtemp(path.join(tmpdir(), 'aqe-three-models-'));
  try {
    const files = (await readdir(RECORDINGS)).toSorted();
    const models: string[] = [];
    let whole = true;
    for (const file of files) {
      const { header, recordings } = await readRecordings(path.join(RECORDINGS, file));
      const { provider, seed, maxTokens } = header;
      models.push(provider.replace('embedded:', ''));
      out(`${provider}: seed ${seed}, at most ${maxTokens} tokens, ${recordings.size} answers`);
      if (recordings.size >= TASKS) continue;
      whole = false;
      out(
        `  the rest: aqe-llm baseline record ${provider} --max-tokens ${maxTokens} --out ${file}`,
      );
    }
    if (!whole) return false;
    const { maxTokens, seed } = (await readRecordings(path.join(RECORDINGS, files[0] ?? '')))
      .header;
    const sides = files.flatMap((file) => ['--candidate', `replay:${path.join(RECORDINGS, file)}`]);
    const sampling = ['--max-tokens', `${maxTokens}`, '--seed', `${seed}`];
    const report = reportSchema.parse(
      await jsonOf(['baseline', ...sides, ...sampling, '--json'], cwd),
    );
    const scores = report.candidates.map(({ tasks }) => tasks);
    out('\nMean scores (0 to 10)\n');
    const categories = [...new Set(scores[0]?.map(({ category }) => category))];
    row(out, ['model', 'all', ...categories]);
    row(out, ['---', ...['all', ...categories].map(() => '---')]);
    for (const [index, tasks] of scores.entries()) {
      const of = (category: string): ScoredTask[] =>
        tasks.filter((task) => task.category === category);
      row(out, [models[index] ?? '', meanOf(tasks), ...categories.map((one) => meanOf(of(one)))]);
    }
    const ordered = await printDifferences(models, report.run.id, categories, cwd, out);
    const alike = printAlike(scores, categories, out);
    const share = alike / (scores[0]?.length ?? 1);
    out(`\nThe order is shown: ${ordered ? 'yes' : 'NO'}. Alike: ${(share * 100).toFixed(0)} %.`);
    return ordered && share < ALIKE_MOST;
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}

async function printDifferences(
  models: readonly string[],
  runId: string,
  categories: readonly string[],
  cwd: string,
  out: (line: string) => void,
): Promise<boolean> {
  out('\nHow much better the larger one is, with 95 % intervals\n');
  row(out, ['', 'all', ...categories]);
  row(out, ['---', ...['all', ...categories].map(() => '---')]);
  let ordered = true;
  for (const [small, large] of [
    [0, 1],
    [1, 2],
    [0, 2],
  ] as const) {
    const sides = [`${runId}#${small + 1}`, `${runId}#${large + 1}`];
    const compared = comparisonSchema.parse(
      await jsonOf(['baseline', 'compare', ...sides, '--json'], cwd),
    );
    const byCategory = new Map(compared.categories.map((each) => [each.category, each]));
    row(out, [
      `${models[large]} over ${models[small]}`,
      interval(compared.overall),
      ...categories.map((category) => interval(byCategory.get(category))),
    ]);
    ordered &&= compared.state === 'better';
  }
  return ordered;
}

/** @returns tasks that say nothing about who is better */
function printAlike(
  scores: readonly (readonly ScoredTask[])[],
  categories: readonly string[],
  out: (line: string) => void,
): number {
  out(`\nTasks that all get right (${RIGHT} or more), and that all get nothing for\n`);
  row(out, ['category', 'tasks', 'all right', 'all nothing']);
  row(out, ['---', '---', '---', '---']);
  const byTask = (scores[0] ?? []).map(({ category }, index) => ({
    category,
    scores: scores.map((tasks) => tasks[index]?.score ?? 0),
  }));
  let alike = 0;
  for (const category of categories) {
    const tasks = byTask.filter((task) => task.category === category);
    const right = tasks.filter((task) => task.scores.every((score) => score >= RIGHT)).length;
    const nothing = tasks.filter((task) => task.scores.every((score) => score === NOTHING)).length;
    row(out, [category, `${tasks.length}`, `${right}`, `${nothing}`]);
    alike += right + nothing;
  }
  return alike;
}

function meanOf(tasks: readonly ScoredTask[]): string {
  return (tasks.reduce((sum, { score }) => sum + score, 0) / tasks.length).toFixed(2);
}

function interval(of: z.output<typeof differenceSchema> | undefined): string {
  if (of === undefined) return '';
  const { difference, lower, upper } = of;
  return `${difference.toFixed(2)} (${lower?.toFixed(2) ?? '?'} to ${upper?.toFixed(2) ?? '?'})`;
}

function row(out: (line: string) => void, cells: readonly string[]): void {
  out(`| ${cells.join(' | ')} |`);
}

/** A small model is no pass: what it exits with does not matter here. */
async function jsonOf(args: string[], cwd: string): Promise<unknown> {
  const spawned = spawnCli(args, { cwd });
  const code = await spawned.ended;
  if (code === 2) throw new Error(spawned.stderr());
  return JSON.parse(spawned.stdout());
}
