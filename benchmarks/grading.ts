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
    const watch = watchProcesses();
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
    const used = watch.stop();
    out(
      `ours: ${scores.length} gold answers of ${spent.size} categories, ${runtime.cores} cores (load ${load.toFixed(1)} before), ${sandbox.tier}: ${seconds.toFixed(1)} s, lowest score ${Math.min(...scores)}`,
    );
    out(
      used === undefined
        ? 'memory and processor time: this platform does not tell them of child processes'
        : `memory: ${used.peakMb.toFixed(0)} MB at most, processor time: at least ${used.cpuSeconds.toFixed(1)} s, of this process and all it started`,
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

const SAMPLE_MS = 50;
const TICKS_PER_SECOND = 100;

interface Used {
  /** MB at most, all processes together; shared pages are counted once. */
  peakMb: number;
  /** Processor seconds. What a process used after it was last looked at is not in it. */
  cpuSeconds: number;
}

/** Samples this process and its descendants (Linux); `undefined` where the platform tells nothing. */
function watchProcesses(): { stop: () => Used | undefined } {
  let peakMb = 0;
  const ticks = new Map<number, number>();
  const before = ticksOf(process.pid);
  const sample = (): void => {
    let kb = 0;
    for (const pid of descendants(process.pid)) {
      kb += proportionalKb(pid);
      ticks.set(pid, Math.max(ticks.get(pid) ?? 0, ticksOf(pid)));
    }
    peakMb = Math.max(peakMb, kb / 1024);
  };
  sample();
  const timer = setInterval(sample, SAMPLE_MS);
  return {
    stop: () => {
      clearInterval(timer);
      sample();
      const sum = [...ticks.values()].reduce((total, own) => total + own, 0) - before;
      return peakMb === 0 ? undefined : { peakMb, cpuSeconds: sum / TICKS_PER_SECOND };
    },
  };
}

/** Of the process itself: those that were killed with their sandbox are waited for by nobody. */
function ticksOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return Number(fields[11]) + Number(fields[12]);
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
