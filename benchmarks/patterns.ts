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
import { CONTENDERS, enter, type Entry } from './patterns/turns.ts';
import { CLUSTER_SIZE } from './patterns/vectors.ts';

const SIZES = [2000, 10_000, 50_000, 100_000];
const DIMENSIONS = [768, 384];
const QUERIES = 500;
/** Queries of contenders that look at every vector. */
const FEW_QUERIES = 50;
/** Queries of a turn. */
const BLOCK = 50;
/** It reads and parses every row for each query. */
const AGENTDB_MOST = 10_000;
const OPENINGS = 3;

/**
 * Search among clustered vectors, ours with its rows beside others' indexes, each in a process of
 * its own, turn about in one run. Promises: p95 under 1 ms at 100,000 × 768 with recall@10 of 0.95;
 * at least 100 times as fast as AgentDB's default from 2,000 on; open again under 1 s at 100,000.
 * Sizes or dimensions can be chosen with AQE_LLM_BENCH_SIZES and AQE_LLM_BENCH_DIMENSIONS.
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

async function compare(n: number, dimension: number, out: (line: string) => void): Promise<void> {
  out(`${n} × ${dimension}, ${n / CLUSTER_SIZE} clusters of ${CLUSTER_SIZE}`);
  const folder = await mkdtemp(path.join(tmpdir(), 'aqe-patterns-'));
  const entries: Entry[] = [];
  try {
    for (const id of CONTENDERS) {
      if (id === 'agentdb' && n > AGENTDB_MOST) continue;
      try {
        entries.push(await enter(id, n, dimension, folder));
      } catch (error) {
        out(`left out: ${id}: ${messageOf(error)}`);
      }
    }
    for (let from = 0; from < QUERIES; from += BLOCK) {
      for (const entry of (from / BLOCK) % 2 === 0 ? entries : entries.toReversed()) {
        const looksAtAll = entry.id === 'flat' || entry.id === 'agentdb';
        if (looksAtAll && from >= FEW_QUERIES) continue;
        await entry.take({ from, to: from + BLOCK });
      }
    }
    report(entries, n, out);
  } finally {
    for (const entry of entries) await entry.close();
  }
  try {
    const opened = [];
    for (let time = 0; time < OPENINGS; time++) opened.push(await reopen(folder, dimension));
    const ms = opened.map((one) => one.ms.toFixed(0)).join(', ');
    const bytes = Math.max(...opened.map((one) => one.bytes));
    out(
      `opened by ${OPENINGS} new processes, one after the other, and searched after ${ms} ms; ${(bytes / n / 1024).toFixed(1)} KB of memory a pattern`,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function report(entries: readonly Entry[], n: number, out: (line: string) => void): void {
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
  const own = entries.find(({ id }) => id === 'ours');
  const exact = entries.find(({ id }) => id === 'flat');
  for (const entry of entries) {
    const at = (p: number, values = entry.ms): number =>
      quantile(
        values.toSorted((a, b) => a - b),
        p,
      );
    // By processor time: on a busy machine, what takes long waits more often.
    const times = own === undefined ? 1 : at(0.5, entry.cpuMs) / at(0.5, own.cpuMs);
    const rate = entry === exact ? '' : (n / (entry.buildMs / 1000)).toFixed(0);
    table.push([
      entry.title,
      at(0.5).toFixed(3),
      at(0.95).toFixed(3),
      at(0.99).toFixed(3),
      `${at(0.5, entry.cpuMs).toFixed(3)}, ${at(0.95, entry.cpuMs).toFixed(3)}`,
      exact === undefined ? '' : recallOf(entry, exact).toFixed(4),
      rate,
      entry.ms.length,
      entry === own ? '' : `${times.toFixed(1)}×`,
    ]);
  }
  out(table.toString());
  if (own === undefined) return;
  const rate = (ms: number): string => (n / (ms / 1000)).toFixed(0);
  out(`ours: ${rate(own.writtenMs)} rows/s written, ${rate(own.buildMs)}/s written and indexed`);
}

/** Of the queries that were compared with every vector. */
function recallOf(entry: Entry, exact: Entry): number {
  let hits = 0;
  let wanted = 0;
  for (const [index, right] of exact.found.entries()) {
    const found = new Set(entry.found[index]);
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
