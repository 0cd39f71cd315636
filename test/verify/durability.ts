import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { seededIndex } from '../../src/core/random.ts';
import {
  nothingExpected,
  problemsOf,
  write,
  type Expected,
  type Writer,
} from '../patterns/killed-writers.ts';

const KILLS = 200;
/** A store begins anew after so many kills, so that small and grown ones are hit. */
const KILLS_OF_A_STORE = 20;
const MOST_MS = 900;
const ENDLESS = 1_000_000;
const TOGETHER = 5;

/** Kills processes that write patterns, at random points, and looks whether all they acknowledged is there. */
export async function run(out: (line: string) => void): Promise<boolean> {
  const random = seededIndex(20_261_124);
  let held = true;
  let acknowledged = 0;

  async function inFolder(
    work: (folder: string, expected: Expected) => Promise<void>,
  ): Promise<void> {
    const folder = await mkdtemp(path.join(tmpdir(), 'aqe-durability-'));
    try {
      await work(folder, nothingExpected());
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async function check(folder: string, expected: Expected, what: string): Promise<void> {
    const problems = await problemsOf(folder, expected);
    held &&= problems.length === 0;
    for (const problem of problems.slice(0, 10)) out(`FAIL ${what}: ${problem}`);
  }

  for (let kill = 0; kill < KILLS; kill += KILLS_OF_A_STORE) {
    await inFolder(async (folder, expected) => {
      for (let number = kill; number < kill + KILLS_OF_A_STORE; number++) {
        const killAfterMs = random(MOST_MS);
        const writer = { name: `w${number}`, seed: number, most: ENDLESS, killAfterMs };
        await write(folder, [writer], expected);
        await check(folder, expected, `kill ${number}`);
      }
      acknowledged += expected.acknowledged;
      out(`${kill + KILLS_OF_A_STORE} kills, ${expected.uses.size} patterns in the last store`);
    });
  }
  out(
    `${KILLS} writers killed: ${acknowledged} acknowledged writes, ${held ? 'nothing lost' : 'FAIL'}`,
  );

  for (let round = 0; round < TOGETHER; round++) {
    await inFolder(async (folder, expected) => {
      const seed = 1000 + round * 3;
      const writers: Writer[] = [
        { name: 'a', seed, most: 150 },
        { name: 'b', seed: seed + 1, most: 150 },
        { name: 'c', seed: seed + 2, most: ENDLESS, killAfterMs: random(MOST_MS) },
      ];
      await write(folder, writers, expected);
      await check(folder, expected, `together ${round}`);
    });
  }
  out(`${TOGETHER} times two writers and readers went on while a third was killed`);

  let lost = 0;
  await inFolder(async (folder, expected) => {
    for (let seed = 2000; seed < 2005 && lost === 0; seed++) {
      const writer = { name: `e${seed}`, seed, most: ENDLESS, killAfterMs: random(MOST_MS) };
      await write(folder, [{ ...writer, early: true }], expected);
      lost += (await problemsOf(folder, expected)).length;
    }
  });
  out(
    `control, a writer that says done before it is: ${lost === 0 ? 'no loss seen' : `${lost} lost`}`,
  );
  return held && lost > 0;
}
