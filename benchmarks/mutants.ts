import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { createExecutor, type MutantOutcome } from '../src/quality/execution/index.ts';
import { plainSandbox } from '../test/quality/execution/plain-sandbox.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const suite = join(root, 'fixtures/suites/qe-100/test-generation');

/**
 * Tasks compared, event hub and task queue (asynchronous) among them. Full references kill nearly everything; of
 * some only every n-th test is run, so that survivors and mutants without coverage are compared too.
 */
const TASKS = [
  { name: 'tg-simple-1', nth: 1 },
  { name: 'tg-simple-2', nth: 3 },
  { name: 'tg-moderate-1', nth: 4 },
  { name: 'tg-moderate-4', nth: 1 },
  { name: 'tg-moderate-4', nth: 4 },
  { name: 'tg-complex-1', nth: 1 },
  { name: 'tg-complex-1', nth: 5 },
  { name: 'tg-complex-2', nth: 4 },
];

const reportSchema = z.object({
  files: z.record(
    z.string(),
    z.object({
      mutants: z.array(
        z.object({
          status: z.string(),
          mutatorName: z.string(),
          replacement: z.string(),
          location: z.object({
            start: z.object({ line: z.number(), column: z.number() }),
            end: z.object({ line: z.number(), column: z.number() }),
          }),
        }),
      ),
    }),
  ),
});

interface Measured {
  seconds: number;
  /** Whether each mutant was detected, by its id. */
  detected: Map<string, boolean>;
}

function start(command: string, args: string[], cwd: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    }
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(said))));
  });
}

interface Task {
  subject: { fileName: string; source: string };
  test: { fileName: string; source: string };
}

async function readTask(name: string, nth: number): Promise<Task> {
  const folder = join(suite, name);
  const manifest: unknown = JSON.parse(await readFile(join(folder, 'task.json'), 'utf8'));
  const { subject } = z.object({ subject: z.string() }).parse(manifest);
  const read = async (fileName: string): Promise<{ fileName: string; source: string }> => ({
    fileName,
    source: await readFile(join(folder, fileName), 'utf8'),
  });
  const test = await read('reference.test.ts');
  let count = 0;
  const thinned = test.source.replaceAll(
    /^( *)(it|test)\(/gm,
    (call, indent: string, word: string) => (count++ % nth === 0 ? call : `${indent}${word}.skip(`),
  );
  return { subject: await read(subject), test: { ...test, source: thinned } };
}

/** Stryker itself, one process at a time, with its vitest runner. */
async function underStryker({ subject, test }: Task): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-mutants-'));
  try {
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    await writeFile(join(folder, subject.fileName), subject.source);
    await writeFile(join(folder, test.fileName), test.source);
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    await writeFile(
      join(folder, 'vitest.config.mjs'),
      `export default { test: { include: ['*.test.ts'] } };`,
    );
    const config = {
      plugins: [join(root, 'node_modules/@stryker-mutator/vitest-runner/dist/src/index.js')],
      testRunner: 'vitest',
      mutate: [subject.fileName],
      reporters: ['json'],
      jsonReporter: { fileName: 'report.json' },
      concurrency: 1,
      coverageAnalysis: 'perTest',
      checkers: [],
      ignorePatterns: [],
      allowEmpty: false,
    };
    await writeFile(join(folder, 'stryker.config.json'), JSON.stringify(config));
    const cli = join(root, 'node_modules/@stryker-mutator/core/bin/stryker.js');
    const begun = performance.now();
    await start(process.execPath, [cli, 'run', 'stryker.config.json'], folder);
    const seconds = (performance.now() - begun) / 1000;
    const report = reportSchema.parse(
      JSON.parse(await readFile(join(folder, 'report.json'), 'utf8')),
    );
    const detected = new Map<string, boolean>();
    for (const mutant of report.files[subject.fileName]?.mutants ?? []) {
      const { start: from, end: to } = mutant.location;
      // The report counts columns from 1.
      const name = `${from.line}:${from.column - 1}-${to.line}:${to.column - 1} ${mutant.mutatorName} ${mutant.replacement}`;
      let id = name;
      for (let nth = 2; detected.has(id); nth++) id = `${name} #${nth}`;
      detected.set(id, mutant.status === 'Killed' || mutant.status === 'Timeout');
    }
    return { seconds, detected };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function isDetected({ state }: MutantOutcome): boolean {
  return state === 'killed' || state === 'timeout';
}

/** Ours, from nothing: preparation, three reruns and the spies' run are in the time. */
async function underOurs(task: Task): Promise<Measured> {
  const begun = performance.now();
  const executor = createExecutor({ sandbox: plainSandbox() });
  const mutants = await executor.listMutants(task.subject);
  const execution = await executor.execute({
    ...task,
    reruns: 3,
    mutants: mutants.map(({ id }) => id),
    testTimeoutMs: 5000,
    mustCheck: false,
  });
  const seconds = (performance.now() - begun) / 1000;
  if (execution.state === 'not-loaded') throw new Error(execution.message);
  return {
    seconds,
    detected: new Map(execution.mutants.map((mutant) => [mutant.id, isDetected(mutant)])),
  };
}

/** Compares our mutant verdicts with Stryker's, and the time both take. */
export async function run(out: (line: string) => void): Promise<boolean> {
  let equal = true;
  let ours = 0;
  let theirs = 0;
  out('subject                  mutants  agree  detected   Stryker s    ours s   factor');
  for (const { name, nth } of TASKS) {
    const task = await readTask(name, nth);
    const stryker = await underStryker(task);
    const own = await underOurs(task);
    const ids = new Set([...stryker.detected.keys(), ...own.detected.keys()]);
    const different = [...ids].filter((id) => stryker.detected.get(id) !== own.detected.get(id));
    const detected = [...own.detected.values()].filter(Boolean).length;
    equal &&= different.length === 0;
    ours += own.seconds;
    theirs += stryker.seconds;
    out(
      [
        `${task.subject.fileName}${nth === 1 ? '' : ` 1/${nth}`}`.padEnd(24),
        String(ids.size).padStart(8),
        String(ids.size - different.length).padStart(7),
        String(detected).padStart(10),
        stryker.seconds.toFixed(1).padStart(12),
        own.seconds.toFixed(1).padStart(10),
        `${(stryker.seconds / own.seconds).toFixed(1)} x`.padStart(9),
      ].join(''),
    );
    for (const id of different) {
      out(
        `  ${id}: Stryker ${String(stryker.detected.get(id))}, ours ${String(own.detected.get(id))}`,
      );
    }
  }
  out(
    `verdicts ${equal ? 'equal' : 'differ'}; ${(theirs / ours).toFixed(1)} times as fast as Stryker`,
  );
  return equal;
}
