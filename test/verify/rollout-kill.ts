import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { seededIndex } from '../../src/core/random.ts';
import { readLog } from '../../src/rollout/read.ts';
import { createRolloutStore } from '../../src/rollout/store.ts';
import { openDatabase } from '../../src/storage/database.ts';

const KILLS = 40;
const MOST_MS = 500;

/** Every transition of mover.ts. */
const TRANSITIONS = [
  'draft',
  'start',
  'start at once',
  'advance by itself',
  'advance to the end',
  'pause',
  'resume',
  'step down by itself',
  'roll back by itself',
  'immediate rollback',
  'partial rollback',
  'complete rollback',
  'abort',
] as const;
const POINTS = ['before', 'within', 'after'] as const;

const said = z.object({ say: z.enum(['will', 'done']), event: z.string(), seq: z.int() });
type Said = z.output<typeof said>;

/**
 * Kills processes that take rollouts through every transition, at three points of each and then
 * anywhere: what was acknowledged is there, what was not is there whole or not at all, and the log
 * verifies.
 */
export async function run(out: (line: string) => void): Promise<boolean> {
  const random = seededIndex(20_261_127);
  const killedAt = new Map<string, number>();
  let acknowledged = 0;
  let held = true;
  const check = (what: string, folder: string, words: readonly Said[], point?: string): void => {
    acknowledged += words.filter(({ say }) => say === 'done').length;
    const open = words.at(-1)?.say === 'will' ? words.at(-1) : undefined;
    killedAt.set(
      open?.event ?? 'between two',
      (killedAt.get(open?.event ?? 'between two') ?? 0) + 1,
    );
    for (const problem of problemsOf(folder, words, point)) {
      held = false;
      out(`FAIL ${what}: ${problem}`);
    }
  };
  await inFolder(async (folder) => {
    for (const event of TRANSITIONS) {
      for (const point of POINTS) {
        const words = await moveAndDie(folder, [event, point]);
        if (words.at(-1)?.event !== event) throw new Error(`${event} was not reached`);
        check(`${point} ${event}`, folder, words, point);
      }
    }
  });
  out(
    `${TRANSITIONS.length} transitions, killed before, within and after each: ${held ? 'whole or not at all' : 'FAIL'}`,
  );
  killedAt.clear();
  await inFolder(async (folder) => {
    for (let kill = 1; kill <= KILLS; kill += 1) {
      check(`kill ${kill}`, folder, await moveAndDie(folder, [], random(MOST_MS)));
    }
  });
  const where = [...killedAt].map(([event, count]) => `${event} ${count}`).join(', ');
  out(`${KILLS} more anywhere: ${where}`);
  out(`${acknowledged} acknowledged transitions: ${held ? 'nothing lost' : 'FAIL'}`);
  let seen = 0;
  await inFolder(async (folder) => {
    seen = problemsOf(folder, await moveAndDie(folder, ['pause', 'early']), undefined).length;
  });
  out(`control, one that says done before it is: ${seen === 0 ? 'no loss seen' : 'loss seen'}`);
  return held && seen > 0;
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'aqe-rollout-kill-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What is lost, half done or damaged. */
function problemsOf(folder: string, words: readonly Said[], point: string | undefined): string[] {
  const problems: string[] = [];
  const open = words.at(-1)?.say === 'will' ? words.at(-1) : undefined;
  const sure = words.findLast(({ say }) => say === 'done');
  const database = openDatabase(folder);
  try {
    const integrity = database.pragma('integrity_check', { simple: true });
    if (integrity !== 'ok') problems.push(String(integrity));
    const store = createRolloutStore(database);
    const log = readLog(store);
    if (log.state === 'broken') problems.push(log.problem);
    const { seq } = store.head();
    if (sure !== undefined && seq < sure.seq) problems.push(`entry ${sure.seq} is lost`);
    if (open !== undefined && seq > open.seq) problems.push(`entry ${seq} was never asked for`);
    if (open !== undefined && sure !== undefined && seq !== open.seq && seq !== sure.seq) {
      problems.push(`${open.event} was done by half`);
    }
    if (open !== undefined && point !== undefined && (seq === open.seq) !== (point === 'after')) {
      problems.push(`${open.event} was ${seq === open.seq ? '' : 'not '}done`);
    }
  } finally {
    database.close();
  }
  return problems;
}

async function moveAndDie(
  folder: string,
  fatal: readonly string[],
  killAfterMs?: number,
): Promise<Said[]> {
  const script = fileURLToPath(new URL('rollout/mover.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, folder, ...fatal], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const isFirst = text === '';
    text += chunk;
    if (isFirst && killAfterMs !== undefined)
      void sleep(killAfterMs).then(() => child.kill('SIGKILL'));
  });
  await once(child, 'close');
  // A line that was cut off was not said.
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => said.parse(JSON.parse(line)));
}
