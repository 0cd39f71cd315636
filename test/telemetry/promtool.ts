import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import envPaths from 'env-paths';

const execute = promisify(execFile);

/** Where a promtool that was fetched is kept for the next time. */
const KEPT = path.join(
  process.env['AQE_LLM_CACHE'] || envPaths('aqe-llm', { suffix: '' }).cache,
  'promtool',
);

export interface Promtool {
  /** Exit code and everything it printed. */
  run(args: readonly string[], options?: { cwd?: string; input?: string }): Promise<PromtoolResult>;
}

export interface PromtoolResult {
  exitCode: number;
  output: string;
}

/**
 * The promtool of AQE_LLM_TEST_PROMTOOL or of the PATH; on Debian and Ubuntu else out of their
 * package `prometheus`, unpacked into the cache without being installed.
 * @returns undefined where there is none
 */
export async function locatePromtool(): Promise<Promtool | undefined> {
  const named = process.env['AQE_LLM_TEST_PROMTOOL'];
  for (const program of named ? [named] : ['promtool', path.join(KEPT, 'usr/bin/promtool')]) {
    if (await runs(program)) return promtool(program);
  }
  if (named) throw new Error(`AQE_LLM_TEST_PROMTOOL=${named} does not run`);
  return (await fetchPackage()) ? promtool(path.join(KEPT, 'usr/bin/promtool')) : undefined;
}

async function runs(program: string): Promise<boolean> {
  return execute(program, ['--version']).then(
    () => true,
    () => false,
  );
}

async function fetchPackage(): Promise<boolean> {
  try {
    await mkdir(path.dirname(KEPT), { recursive: true });
    const work = await mkdtemp(`${KEPT}-`);
    try {
      await execute('apt-get', ['download', 'prometheus'], { cwd: work, timeout: 60_000 });
      await execute('sh', ['-c', 'dpkg -x prometheus_*.deb unpacked'], { cwd: work });
      await access(path.join(work, 'unpacked/usr/bin/promtool'));
      // Another process may have been faster, which is as good.
      await rename(path.join(work, 'unpacked'), KEPT).catch(() => {});
      return true;
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  } catch {
    return false;
  }
}

function promtool(program: string): Promtool {
  return {
    run: async (args, { cwd = homedir(), input = '' } = {}) => {
      const child = spawn(program, [...args], { cwd, stdio: 'pipe' });
      let output = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
      }
      child.stdin.end(input);
      await once(child, 'close');
      return { exitCode: child.exitCode ?? -1, output };
    },
  };
}
