import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { createExecutor, type Execution } from '../../src/quality/execution/index.ts';
import { plainSandbox } from '../quality/execution/plain-sandbox.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const fixtures = fileURLToPath(new URL('../fixtures/runner/', import.meta.url));

/** Fixtures are kept from tools that would check or run them: some do not even parse. */
const SUFFIX = '.txt';

function readFixture(name: string): Promise<string> {
  return readFile(join(fixtures, name.endsWith(SUFFIX) ? name : `${name}${SUFFIX}`), 'utf8');
}

/** Verdicts in order: `<name>: <passed | failed | skipped>`; one line alone for a file that does not load. */
type Verdicts = string[];
const NOT_LOADED = 'not loaded';

const reportSchema = z.record(z.string(), z.array(z.string()));

// A test that a failing hook kept from running has failed here, as for Stryker; vitest itself says skipped.
const REPORTER = `
  import { writeFileSync } from 'node:fs';
  const failed = (suite) => suite.type === 'suite' && (suite.errors().length > 0 || failed(suite.parent));
  export default class {
    onTestRunEnd(modules) {
      const report = {};
      for (const module of modules) {
        const verdicts = [];
        for (const test of module.children.allTests()) {
          const { state } = test.result();
          verdicts.push(test.fullName + ': ' + (state === 'skipped' && failed(test.parent) ? 'failed' : state));
        }
        const started = module.errors().length === 0 && verdicts.length > 0;
        report[module.moduleId.slice(module.moduleId.lastIndexOf('/') + 1)] = started ? verdicts : ['not loaded'];
      }
      writeFileSync('report.json', JSON.stringify(report));
    }
  }
`;
const CONFIG = `
  import { fileURLToPath } from 'node:url';
  export default {
    resolve: { alias: { '@jest/globals': fileURLToPath(new URL('./jest-globals.ts', import.meta.url)) } },
    test: { globals: true, include: ['*.test.ts'], cache: false, dangerouslyIgnoreUnhandledErrors: true, allowOnly: true },
  };
`;
const JEST_GLOBALS = `export * from 'vitest';\nexport { vi as jest } from 'vitest';\n`;

function start(command: string, args: string[], cwd: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // Without CI, snapshots that are not there yet are written, as a developer has it.
    const env = { ...process.env, CI: '' };
    const child = spawn(command, args, { cwd, env, stdio: 'ignore' });
    child.once('error', reject);
    child.once('close', () => resolve());
  });
}

/** The verdicts of the real vitest, by file. */
async function underVitest(): Promise<Map<string, Verdicts>> {
  const folder = await mkdtemp(join(root, 'node_modules', '.verify-runner-'));
  try {
    for (const name of await readdir(fixtures)) {
      await writeFile(join(folder, basename(name, SUFFIX)), await readFixture(name));
    }
    await writeFile(join(folder, 'vitest.config.mjs'), CONFIG);
    await writeFile(join(folder, 'reporter.mjs'), REPORTER);
    await writeFile(join(folder, 'jest-globals.ts'), JEST_GLOBALS);
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    await start(
      process.execPath,
      [vitest, 'run', '--reporter=./reporter.mjs', '--maxWorkers=1'],
      folder,
    );
    return new Map(
      Object.entries(
        reportSchema.parse(JSON.parse(await readFile(join(folder, 'report.json'), 'utf8'))),
      ),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function verdictsOf(execution: Execution): Verdicts {
  if (execution.state === 'not-loaded') return [NOT_LOADED];
  return execution.tests.map(
    ({ name, state }) => `${name}: ${state === 'timeout' ? 'failed' : state}`,
  );
}

/** The verdicts of our runner on one file. */
async function underOurs(file: string): Promise<Verdicts> {
  const source = await readFixture(file);
  const subject = /(?:from|import\() ?'\.\/(\w+)'/.exec(source)?.[1];
  if (subject === undefined) throw new Error(`${file} imports no subject`);
  const fileName = `${subject}.ts`;
  const executor = createExecutor({ sandbox: plainSandbox() });
  const execution = await executor.execute({
    subject: { fileName, source: await readFixture(fileName) },
    test: { fileName: file, source },
    reruns: 2,
    mutants: [],
    testTimeoutMs: 5000,
    mustCheck: false,
  });
  return verdictsOf(execution);
}

/** Compares the verdicts of our runner, test by test, with those of the real vitest. */
export async function run(out: (line: string) => void): Promise<boolean> {
  const files = (await readdir(fixtures))
    .map((name) => basename(name, SUFFIX))
    .filter((name) => name.endsWith('.test.ts'))
    .sort();
  const real = await underVitest();
  let tests = 0;
  let disagreements = 0;
  out('file                              tests  disagree');
  for (const file of files) {
    const theirs = (real.get(file) ?? ['no report']).toSorted();
    const ours = (await underOurs(file)).toSorted();
    const differences = [
      ...without(theirs, ours).map((verdict) => `  vitest  ${verdict}`),
      ...without(ours, theirs).map((verdict) => `  ours    ${verdict}`),
    ];
    tests += theirs.length;
    disagreements += differences.length;
    out(
      `${file.padEnd(34)}${String(theirs.length).padStart(5)}${String(differences.length).padStart(10)}`,
    );
    for (const difference of differences) out(difference);
  }
  out(`${files.length} files, ${tests} verdicts, ${disagreements} disagreements`);
  return disagreements === 0;
}

/** What is in `all` more often than in `other`. */
function without(all: readonly string[], other: readonly string[]): string[] {
  const rest = [...other];
  return all.filter((each) => {
    const index = rest.indexOf(each);
    if (index >= 0) rest.splice(index, 1);
    return index < 0;
  });
}
