import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { seededIndex } from '../../src/core/random.ts';
import { killWriters } from '../ledger/killed-writers.ts';
import { everyWay } from './ledger/every-way.ts';

const ROUNDS = 10;
const WRITERS = ['a', 'b', 'c'];
const MOST_LINES = 600;

/** Every attempt is in the ledger once, whatever becomes of it and of whoever writes it. */
export async function run(out: (line: string) => void): Promise<boolean> {
  const isCounted = await everyWay(out);
  return (await killed(out)) && isCounted;
}

/** Kills processes that write into one ledger at once, round after round, and counts what is lost. */
async function killed(out: (line: string) => void): Promise<boolean> {
  const random = seededIndex(20_261_124);
  const folder = await mkdtemp(path.join(tmpdir(), 'aqe-ledger-'));
  const control = await mkdtemp(path.join(tmpdir(), 'aqe-ledger-'));
  let held = true;
  let acknowledged = 0;
  let interrupted = 0;
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const result = await killWriters(
        folder,
        WRITERS.map((name) => ({
          name: `${round}${name}`,
          killAfterLines: 1 + random(MOST_LINES),
        })),
      );
      acknowledged += result.acknowledged;
      interrupted += result.interrupted;
      held &&= result.problems.length === 0;
      for (const problem of result.problems) out(problem);
    }
    out(
      `${ROUNDS * WRITERS.length} writers killed: ${acknowledged} acknowledged writes, ${interrupted} requests interrupted, ${held ? 'nothing lost' : 'FAIL'}`,
    );
    const hasty = await killWriters(control, [
      { name: 'hasty', killAfterLines: 300, acknowledge: 'before-commit' },
    ]);
    out(
      `control, a writer that acknowledges too early: ${hasty.acknowledged} acknowledged writes, ${hasty.problems.length} lost`,
    );
    return held && hasty.problems.length > 0;
  } finally {
    for (const each of [folder, control]) await rm(each, { recursive: true, force: true });
  }
}
