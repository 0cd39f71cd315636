import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const BIN = fileURLToPath(new URL('../bin/aqe-llm.js', import.meta.url));
const ROUNDS = 15;

/** `aqe-llm --help` beside an empty Node program, turn about in one run. Promise: under 150 ms. */
export async function run(out: (line: string) => void): Promise<void> {
  const help: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    help.push(await timed([BIN, '--help']));
    bare.push(await timed(['-e', '']));
  }
  out(`aqe-llm --help   ${summary(help)}`);
  out(`node -e '' (control) ${summary(bare)}`);
}

async function timed(args: readonly string[]): Promise<number> {
  const started = performance.now();
  await execute(process.execPath, args);
  return performance.now() - started;
}

function summary(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (index: number): string => `${(sorted[index] ?? Number.NaN).toFixed(0)} ms`;
  return `min ${at(0)}, median ${at(Math.floor(sorted.length / 2))}, max ${at(sorted.length - 1)} (n = ${sorted.length})`;
}
