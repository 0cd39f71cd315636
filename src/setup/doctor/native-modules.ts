import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { compiledEntry } from '../../core/compiled-entry.ts';
import type { Finding } from './finding.ts';

const TIMEOUT_MS = 20_000;
/** What a native module may need of the environment to load; no secret is among it. */
const PASSED_ON = [
  'PATH',
  'HOME',
  'LD_LIBRARY_PATH',
  'DYLD_LIBRARY_PATH',
  'SystemRoot',
  'TEMP',
  'TMPDIR',
];

export interface NativeModule {
  name: 'better-sqlite3' | 'node-llama-cpp';
  title: string;
}
export const nativeModules: readonly NativeModule[] = [
  { name: 'better-sqlite3', title: 'SQLite (better-sqlite3)' },
  { name: 'node-llama-cpp', title: 'llama.cpp (node-llama-cpp)' },
];

/** Loads the module in a child process and does one small thing with it. */
export function examineNativeModule(
  { name, title }: NativeModule,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Finding> {
  const entry = fileURLToPath(compiledEntry(import.meta.url, './native-module-probe.js'));
  const kept = Object.fromEntries(PASSED_ON.map((key) => [key, env[key]]));
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [entry, name],
      { timeout: TIMEOUT_MS, killSignal: 'SIGKILL', env: kept },
      (error, stdout, stderr) => {
        const base = { id: `native.${name}`, title, required: true };
        if (error === null) {
          resolve({ ...base, state: 'ok', detail: stdout.trim() });
          return;
        }
        resolve({
          ...base,
          state: 'missing',
          detail: `does not load: ${reasonOf(stderr) ?? ending(error)}`,
          hint: `Rebuild it for this Node: npm rebuild ${name}`,
        });
      },
    );
  });
}

/** The line of a stack trace that says what happened. */
function reasonOf(stderr: string): string | undefined {
  return stderr.split('\n').find((line) => /^\w*Error\b.*:/.test(line));
}

function ending(error: { killed?: boolean; signal?: string | null; code?: unknown }): string {
  if (error.killed === true) return `no answer in ${TIMEOUT_MS / 1000} s`;
  return error.signal ? `the process ended with ${error.signal}` : `exit ${String(error.code)}`;
}
