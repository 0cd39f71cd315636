import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { testGeneration } from '../src/quality/kinds/test-generation/kind.ts';
import { loadSuite } from '../src/quality/suites/suite.ts';
import { testGenerationTasks } from '../src/quality/validate/bases.ts';
import { runValidation, type ValidationRun } from '../src/quality/validate/run.ts';
import { createVariations } from '../src/quality/validate/variation.ts';
import { WrittenAnswers } from '../src/quality/validate/written-answers.ts';
import { createRuntime } from '../src/runtime.ts';

const TASKS = 4000;

/**
 * The bookkeeping of a validation: tasks made, sent through the router to a replay, and stored; none graded.
 * Promise: 2,000 tasks a minute. Control: the same tasks made and hashed, with neither router nor store.
 */
export async function run(out: (line: string) => void): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'aqe-validate-'));
  try {
    const flags = { state: path.join(folder, 'state') };
    const runtime = await createRuntime({ cwd: folder, env: process.env, flags });
    const suite = await loadSuite(runtime.builtInSuite);
    const variations = createVariations(testGenerationTasks(suite.tasks), 1);
    const template = suite.prompts['test-generation'] ?? '';

    const perMinute = (started: number): string =>
      Math.round((TASKS / (performance.now() - started)) * 60_000).toLocaleString('en');
    const before = performance.now();
    const hashes = new Set<string>();
    for (let index = 0; index < TASKS; index += 1) {
      const prompt = testGeneration.prompt(variations.at(index).task, template);
      hashes.add(createHash('sha256').update(prompt).digest('hex'));
    }
    const control = perMinute(before);

    const written = new WrittenAnswers('gold');
    const router = await runtime.openRouter({
      onEvent: () => undefined,
      busy: true,
      standIn: { provider: written.provider, state: path.join(folder, 'router') },
    });
    const store = runtime.openValidations();
    const validation: ValidationRun = {
      id: 'bench',
      startedAt: new Date().toISOString(),
      plan: {
        suiteFolder: suite.folder,
        suiteName: suite.name,
        suiteHash: suite.hash,
        candidate: 'replay:gold',
        tasks: TASKS,
        graded: 0,
        seed: 1,
        maxTokens: 2048,
        temperature: 0,
        monthlyRequests: 43_200,
        infrastructureUsd: 0,
      },
    };
    store.create(validation);
    const sandbox = await runtime.openSandbox(false);
    const started = performance.now();
    const events = runValidation(
      validation,
      {
        store,
        router,
        written,
        kinds: {
          executor: await runtime.createExecutor(sandbox),
          typeCheck: await runtime.createTypeChecker(),
        },
        clock: runtime.clock,
        concurrency: runtime.cores,
        template,
        variations,
      },
      new AbortController().signal,
    );
    let answered = 0;
    for await (const event of events) {
      if (event.type === 'finished') ({ answered } = event.report.tasks);
    }
    const ours = perMinute(started);
    await router.close();
    const megabytes = Math.round(process.memoryUsage().rss / 2 ** 20);
    out(
      `ours: ${answered} of ${TASKS} tasks answered and stored, ${ours} a minute, ${megabytes} MB`,
    );
    out(`control, made and hashed only (${hashes.size} different): ${control} a minute`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
