import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import Table from 'cli-table3';
import { z } from 'zod';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Where each server is named, and the script that builds it and prints where it is. */
const SERVERS = {
  AQE_LLM_TEST_LLAMA_SERVER: 'llama-server.sh',
  AQE_LLM_TEST_OLLAMA: 'ollama.sh',
  AQE_LLM_TEST_VLLM: 'vllm.sh',
} as const;

type Variable = keyof typeof SERVERS;
const VARIABLES: readonly Variable[] = [
  'AQE_LLM_TEST_LLAMA_SERVER',
  'AQE_LLM_TEST_OLLAMA',
  'AQE_LLM_TEST_VLLM',
];

const reportSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      message: z.string().optional(),
      assertionResults: z.array(
        z.object({
          ancestorTitles: z.array(z.string()),
          title: z.string(),
          status: z.string(),
          failureMessages: z.array(z.string()),
        }),
      ),
    }),
  ),
});
type Report = z.output<typeof reportSchema>;

/** Variables for the servers known on this machine; those found in scripts are asked of them. */
async function locateServers(out: (line: string) => void): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const variable of VARIABLES) {
    const located = await locateServer(variable);
    if (located !== undefined) found[variable] = located;
    out(`${variable}: ${located ?? 'not set, its server is skipped'}`);
  }
  return found;
}

/** What the variable says, or the script that builds the server. */
export async function locateServer(variable: Variable): Promise<string | undefined> {
  const path = join(root, '..', 'shared', 'servers', SERVERS[variable]);
  const named = process.env[variable];
  if (named !== undefined && named !== '') return named;
  if (!existsSync(path)) return undefined;
  return (await promisify(execFile)('bash', [path])).stdout.trim();
}

/** Runs the contract against one server after the other: a machine may not hold them all at once. */
async function runContracts(servers: Readonly<Record<string, string>>): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'aqe-llm-servers-'));
  const file = join(folder, 'report.json');
  try {
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    const child = spawn(
      process.execPath,
      [
        vitest,
        'run',
        'test/contracts',
        '--no-file-parallelism',
        '--reporter=json',
        `--outputFile=${file}`,
      ],
      { cwd: root, env: { ...process.env, ...servers }, stdio: ['ignore', 'ignore', 'inherit'] },
    );
    await once(child, 'close');
    return reportSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const MARKS: Readonly<Record<string, string>> = { passed: 'pass', failed: 'FAIL' };

/** Runs one contract against every provider and server, and shows provider × test. */
export async function run(out: (line: string) => void): Promise<boolean> {
  const report = await runContracts(await locateServers(out));
  const results = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  const providers = [...new Set(results.map(({ ancestorTitles }) => ancestorTitles.join(' ')))];
  const titles = [...new Set(results.map(({ title }) => title))];
  const table = new Table({
    head: ['', ...providers],
    wordWrap: true,
    colWidths: [44, ...providers.map(() => 15)],
    style: { head: [], border: [], compact: true },
  });
  for (const title of titles) {
    const statusOf = (provider: string): string | undefined =>
      results.find((it) => it.title === title && it.ancestorTitles.join(' ') === provider)?.status;
    const cells = providers.map((provider) => {
      const status = statusOf(provider);
      return status === undefined ? '' : (MARKS[status] ?? 'skipped');
    });
    table.push([title, ...cells]);
  }
  out(table.toString());

  const failed = results.filter(({ status }) => status === 'failed');
  for (const { ancestorTitles, title, failureMessages } of failed) {
    out(`FAIL ${ancestorTitles.join(' ')}: ${title}\n  ${failureMessages[0] ?? ''}`);
  }
  // A server that does not start fails its file and none of its tests.
  const broken = report.testResults.filter(({ message = '' }) => message !== '');
  for (const { name, message } of broken) out(`FAIL ${name}\n  ${message}`);
  const count = (status: string): number => results.filter((it) => it.status === status).length;
  const passed = count('passed');
  out(
    `${passed} passed, ${failed.length} failed, ${results.length - passed - failed.length} skipped`,
  );
  return passed > 0 && failed.length === 0 && broken.length === 0;
}
