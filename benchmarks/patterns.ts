import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import Table from 'cli-table3';
import { z } from 'zod';
import { messageOf } from '../src/core/errors.ts';
import { quantile } from '../src/core/statistics.ts';
import {
  openAgentDb,
  openFlat,
  openOurs,
  openUsearch,
  type Contender,
} from './patterns/contenders.ts';
import { clusteredVectors } from './patterns/vectors.ts';

const SIZES = [2000, 10_000, 50_000, 100_000];
const DIMENSIONS = [768, 384];
const QUERIES = 500;
/** Queries of contenders that look at every vector. */
const FEW_QUERIES = 50;
/** Queries of a turn. */
const BLOCK = 50;
const WARM_UP = 5;
/** It reads and parses every row for each query. */
const AGENTDB_MOST = 10_000;
/** Vectors of a cluster: what a fleet asks comes back in many variants. */
const CLUSTER_SIZE = 50;
const SPREAD = 0.8;

/**
 * Search among clustered vectors, ours with its rows beside others' indexes, turn about in one run.
 * Promises: p95 under 1 ms at 100,000 × 768 with recall@10 of 0.95; at least 100 times as fast as
 * AgentDB's default from 2,000 on; open again under 1 s at 100,000. Sizes or dimensions can be
 * chosen with AQE_LLM_BENCH_SIZES and AQE_LLM_BENCH_DIMENSIONS.
 */
export async function run(out: (line: string) => void): Promise<void> {
  const sizes = numbersIn('AQE_LLM_BENCH_SIZES') ?? SIZES;
  for (const dimension of numbersIn('AQE_LLM_BENCH_DIMENSIONS') ?? DIMENSIONS) {
    for (const n of sizes) await compare(n, dimension, out);
  }
}

function numbersIn(variable: string): number[] | undefined {
  return process.env[variable]?.split(',').map(Number);
}

interface Turn {
  contender: Contender;
  buildMs: number;
  ms: number[];
  /** Processor time of each query: what it takes where nobody else wants the cores. */
  cpuMs: number[];
  found: number[][];
}

function turnOf(contender: Contender, buildMs: number): Turn {
  return { contender, buildMs, ms: [], cpuMs: [], found: [] };
}

async function compare(n: number, dimension: number, out: (line: string) => void): Promise<void> {
  const shape = { clusters: n / CLUSTER_SIZE, spread: SPREAD };
  out(`${n} × ${dimension}, ${shape.clusters} clusters of ${CLUSTER_SIZE}`);
  const vectors = clusteredVectors(n, dimension, { seed: 3, ...shape });
  const queries = clusteredVectors(QUERIES, dimension, { seed: 4, ...shape });
  const folder = await mkdtemp(path.join(tmpdir(), 'aqe-patterns-'));
  try {
    const ours = openOurs(folder, 'bench');
    const begun = performance.now();
    await ours.add(vectors);
    const writtenMs = performance.now() - begun;
    await ours.settle();
    const own = turnOf(ours, performance.now() - begun);
    const flat = await built(openFlat(), vectors);
    const turns = [own, flat, ...(await others(n, dimension, vectors, out))];
    const few = new Set(['flat scan (exact)', 'AgentDB (default)']);
    for (let from = 0; from < QUERIES; from += BLOCK) {
      const block = queries.slice(from, from + BLOCK);
      for (const turn of (from / BLOCK) % 2 === 0 ? turns : turns.toReversed()) {
        if (few.has(turn.contender.name) && from >= FEW_QUERIES) continue;
        // One that was not asked for a while finds its memory cold.
        for (const query of queries.slice(0, WARM_UP)) await turn.contender.search(query);
        for (const query of block) {
          const used = process.cpuUsage();
          const started = performance.now();
          const found = await turn.contender.search(query);
          turn.ms.push(performance.now() - started);
          const { user, system } = process.cpuUsage(used);
          turn.cpuMs.push((user + system) / 1000);
          turn.found.push(found);
        }
      }
    }
    report(turns, flat, n, out);
    out(
      `ours: ${(n / (writtenMs / 1000)).toFixed(0)} rows/s written, ${(n / (own.buildMs / 1000)).toFixed(0)}/s written and indexed`,
    );
    for (const { contender } of turns) await contender.close();
    const { ms, bytes } = await reopen(folder, dimension);
    out(
      `opened again by a new process and searched after ${ms.toFixed(0)} ms; ${(bytes / n / 1024).toFixed(1)} KB of memory a pattern`,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function others(
  n: number,
  dimension: number,
  vectors: readonly Float32Array[],
  out: (line: string) => void,
): Promise<Turn[]> {
  const turns: Turn[] = [];
  const open = [() => openUsearch(dimension), ...(n <= AGENTDB_MOST ? [openAgentDb] : [])];
  for (const one of open) {
    try {
      turns.push(await built(await one(), vectors));
    } catch (error) {
      out(`left out: ${messageOf(error)}`);
    }
  }
  return turns;
}

async function built(contender: Contender, vectors: readonly Float32Array[]): Promise<Turn> {
  const started = performance.now();
  await contender.add(vectors);
  return turnOf(contender, performance.now() - started);
}

function report(turns: readonly Turn[], exact: Turn, n: number, out: (line: string) => void): void {
  const table = new Table({
    head: [
      '',
      'p50 ms',
      'p95 ms',
      'p99 ms',
      'processor ms: p50, p95',
      'recall@10',
      'inserts/s',
      'queries',
      'ours is',
    ],
    style: { head: [], border: [], compact: true },
  });
  const [own] = turns;
  for (const turn of turns) {
    const at = (p: number, values = turn.ms): number =>
      quantile(
        values.toSorted((a, b) => a - b),
        p,
      );
    // By processor time: on a busy machine, what takes long waits more often.
    const times = own === undefined ? 1 : at(0.5, turn.cpuMs) / at(0.5, own.cpuMs);
    const rate = turn === exact ? '' : (n / (turn.buildMs / 1000)).toFixed(0);
    table.push([
      turn.contender.name,
      at(0.5).toFixed(3),
      at(0.95).toFixed(3),
      at(0.99).toFixed(3),
      `${at(0.5, turn.cpuMs).toFixed(3)}, ${at(0.95, turn.cpuMs).toFixed(3)}`,
      recallOf(turn, exact).toFixed(4),
      rate,
      turn.ms.length,
      turn === own ? '' : `${times.toFixed(1)}×`,
    ]);
  }
  out(table.toString());
}

/** Of the queries that were compared with every vector. */
function recallOf(turn: Turn, exact: Turn): number {
  let hits = 0;
  let wanted = 0;
  for (const [index, right] of exact.found.entries()) {
    const found = new Set(turn.found[index]);
    wanted += right.length;
    hits += right.filter((one) => found.has(one)).length;
  }
  return hits / wanted;
}

const reopenedSchema = z.object({ ms: z.number(), bytes: z.number() });

async function reopen(folder: string, dimension: number): Promise<z.output<typeof reopenedSchema>> {
  const script = fileURLToPath(new URL('patterns/reopen.ts', import.meta.url));
  const args = ['--import', 'tsx', script, folder, `${dimension}`];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return reopenedSchema.parse(JSON.parse(stdout));
}
