import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { kindOf } from '../src/quality/kinds/registry.ts';
import {
  REFERENCE_FILE,
  type TestGenerationTask,
} from '../src/quality/kinds/test-generation/kind.ts';
import { loadSuite } from '../src/quality/suites/suite.ts';
import { createRuntime } from '../src/runtime.ts';

const execute = promisify(execFile);
const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * Grades the gold answers of the whole suite on all cores, as a baseline does: reruns, coverage and every
 * frozen mutant for tests, a hundred reruns for flaky specs, executed proofs for coverage gaps. Promise: 100
 * answers in under 60 s on 2 cores and in under 1 GB of memory, all processes together. Control: real
 * vitest running the suite's reference test files once, without coverage and without a single mutant.
 */
export async function run(out: (line: string) => void): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'aqe-grading-'));
  try {
    const runtime = await createRuntime({ cwd: folder, env: process.env, flags: {} });
    const suite = await loadSuite(runtime.builtInSuite);
    const sandbox = await runtime.openSandbox(false);
    const deps = {
      executor: await runtime.createExecutor(sandbox),
      typeCheck: await runtime.createTypeChecker(),
      sandbox,
    };
    const [load = 0] = loadavg();
    const memory = watchMemory();
    const cpuBefore = cpuSeconds();
    const started = performance.now();
    const waiting = [...suite.tasks];
    const scores: number[] = [];
    const spent = new Map<string, { answers: number; ms: number }>();
    const grader = async (): Promise<void> => {
      for (let task = waiting.shift(); task !== undefined; task = waiting.shift()) {
        const kind = kindOf(task.category);
        const begun = performance.now();
        const answer = { text: kind.goldAnswer(task), truncated: false, looped: false };
        scores.push((await kind.grade(task, answer, 'linear', deps)).score);
        const { answers, ms } = spent.get(task.category) ?? { answers: 0, ms: 0 };
        const sum = ms + performance.now() - begun;
        spent.set(task.category, { answers: answers + 1, ms: sum });
      }
    };
    await Promise.all(Array.from({ length: runtime.cores }, grader));
    const seconds = (performance.now() - started) / 1000;
    const peakMb = memory.stop();
    const cpu = cpuSeconds() - cpuBefore;
    out(
      `ours: ${scores.length} gold answers of ${spent.size} categories, ${runtime.cores} cores (load ${load.toFixed(1)} before), ${sandbox.tier}: ${seconds.toFixed(1)} s, lowest score ${Math.min(...scores)}`,
    );
    // On a machine that others use too, the wall clock tells of them; this does not.
    if (cpu > 0) {
      out(
        `processor time: ${cpu.toFixed(1)} s, so ${(cpu / runtime.cores).toFixed(1)} s on ${runtime.cores} cores of one's own`,
      );
    }
    out(
      peakMb === undefined
        ? 'memory: this platform does not tell it of child processes'
        : `memory: ${peakMb.toFixed(0)} MB at most, this process and all it started`,
    );
    for (const [category, { answers, ms }] of spent) {
      out(
        `  ${category}: ${answers} answers, ${(ms / answers / 1000).toFixed(2)} s each on one core`,
      );
    }
    const tests = suite.tasks.filter((task) => task.category === 'test-generation');
    const control = await vitestSeconds(tests, folder);
    out(
      `vitest (control): ${tests.length} reference test files once, no mutants: ${control.toFixed(1)} s`,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const SAMPLE_MS = 100;

/** Samples the memory of this process and its descendants, shared pages counted once (Linux). */
function watchMemory(): { stop: () => number | undefined } {
  let peak: number | undefined;
  const sample = (): void => {
    const kb = descendants(process.pid).reduce((sum, pid) => sum + proportionalKb(pid), 0);
    if (kb > 0) peak = Math.max(peak ?? 0, kb / 1024);
  };
  sample();
  const timer = setInterval(sample, SAMPLE_MS);
  return {
    stop: () => {
      clearInterval(timer);
      sample();
      return peak;
    },
  };
}

const TICKS_PER_SECOND = 100;

/** Processor seconds of this process and of those it waited for, with theirs (Linux); 0 elsewhere. */
function cpuSeconds(): number {
  try {
    const fields = readFileSync('/proc/self/stat', 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}

function descendants(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    const below = children === '' ? [] : children.split(' ').map(Number).flatMap(descendants);
    return [pid, ...below];
  } catch {
    // It has ended meanwhile, or this is not Linux.
    return [];
  }
}

/** A page that several processes share counts for each with its part. */
function proportionalKb(pid: number): number {
  try {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

async function vitestSeconds(
  tasks: readonly TestGenerationTask[],
  folder: string,
): Promise<number> {
  await symlink(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
  await writeFile(path.join(folder, 'package.json'), '{"type":"module"}');
  for (const task of tasks) {
    for (const file of [task.subject, REFERENCE_FILE]) {
      await cp(path.join(task.folder, file), path.join(folder, task.id, file));
    }
  }
  const started = performance.now();
  await execute(path.join(ROOT, 'node_modules/.bin/vitest'), ['run', '--root', folder], {
    cwd: folder,
  });
  return (performance.now() - started) / 1000;
}
