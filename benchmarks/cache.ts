import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Table from 'cli-table3';
import { quantile } from '../src/core/statistics.ts';
import type { Embedder } from '../src/patterns/embedders/embedder.ts';
import { dot } from '../src/patterns/index/flat.ts';
import { createRecallLog } from '../src/patterns/recalls.ts';
import { createSqliteStore } from '../src/patterns/sqlite-store.ts';
import { createRuntime } from '../src/runtime.ts';
import { openDatabase } from '../src/storage/database.ts';
import { replayStream } from '../test/patterns/replay-stream.ts';
import { promptStream, type StreamPrompt } from '../test/patterns/stream.ts';

const LENGTH = 3000;
const DELTA = 0.02;
const CUTS = [0.8, 0.9, 0.95];

/**
 * Answers from memory on a labelled stream of QE prompts: hits and wrong hits of the bounded cache
 * beside exact matches alone and beside fixed cuts of the cosine. Promise: wrong hits at most δ.
 */
export async function run(out: (line: string) => void): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'aqe-cache-'));
  const runtime = await createRuntime({ cwd: folder, env: process.env, flags: { threads: 1 } });
  const patterns = await runtime.openPatterns(out);
  const { embedder } = patterns;
  const state = path.join(folder, 'bench');
  try {
    const stream = promptStream(LENGTH, 11);
    const distinct = new Set(stream.map(({ prompt }) => prompt)).size;
    out(
      `${LENGTH} prompts, ${distinct} different ones, ${new Set(stream.map(({ meaning }) => meaning)).size} meanings; δ = ${DELTA}`,
    );
    const table = new Table({
      head: ['', 'hits', 'hit rate', 'wrong', 'wrong of hits'],
      style: { head: [], border: [], compact: true },
    });
    const row = (name: string, hits: number, wrong: number): void =>
      void table.push([
        name,
        hits,
        `${((100 * hits) / LENGTH).toFixed(1)} %`,
        wrong,
        hits === 0 ? '' : `${((100 * wrong) / hits).toFixed(2)} %`,
      ]);
    // Vectors are there before anything is timed.
    await embedder.embed([...new Set(stream.map(({ prompt }) => prompt))]);
    const database = openDatabase(state);
    const store = createSqliteStore({ database, folder: state, onTrouble: out });
    const log = createRecallLog(database);
    const { rates, ms } = await replayStream({ stream, store, log, embedder, delta: DELTA });
    await store.close();
    row('aqe-llm: guards and bound', rates.hits, rates.wrong);
    row('the same prompt only', ...exactOnly(stream));
    for (const cut of CUTS)
      row(`cosine at least ${cut}`, ...(await fixedCut(stream, embedder, cut)));
    out(table.toString());
    const sorted = ms.toSorted((a, b) => a - b);
    out(
      `a look-up, vectors known: p50 ${quantile(sorted, 0.5).toFixed(2)} ms, p99 ${quantile(sorted, 0.99).toFixed(2)} ms`,
    );
  } finally {
    await patterns.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function exactOnly(stream: readonly StreamPrompt[]): [number, number] {
  const seen = new Set<string>();
  let hits = 0;
  for (const { prompt } of stream) {
    if (seen.has(prompt)) hits += 1;
    seen.add(prompt);
  }
  return [hits, 0];
}

/** The nearest of what was stored is the answer if it is near enough; else the prompt is stored. */
async function fixedCut(
  stream: readonly StreamPrompt[],
  embedder: Embedder,
  cut: number,
): Promise<[number, number]> {
  const stored: { vector: Float32Array; meaning: string }[] = [];
  let hits = 0;
  let wrong = 0;
  for (const { prompt, meaning } of stream) {
    const [vector = new Float32Array()] = await embedder.embed([prompt]);
    let best = -1;
    let answer = '';
    for (const entry of stored) {
      const similarity = dot(entry.vector, vector);
      if (similarity > best) [best, answer] = [similarity, entry.meaning];
    }
    if (best < cut) {
      stored.push({ vector, meaning });
      continue;
    }
    hits += 1;
    if (answer !== meaning) wrong += 1;
  }
  return [hits, wrong];
}
