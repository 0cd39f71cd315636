import { CLUSTER_SIZE, clusteredVectors } from './vectors.ts';
import { openAgentDb, openFlat, openOurs, openUsearch, type Contender } from './contenders.ts';
import type { Measured, Ready, Turn } from './turns.ts';

/**
 * One contender in a process of its own, as it is used: what the others hold in memory slows down
 * none of its searches. It builds, says so, and then searches when it is told to.
 */
const [name = '', size = '0', length = '0', folder = ''] = process.argv.slice(2);
const n = Number(size);
const dimension = Number(length);
const WARM_UP = 5;

const shape = { clusters: n / CLUSTER_SIZE, spread: 0.8 };
const queries = clusteredVectors(500, dimension, { seed: 4, ...shape });

async function built(): Promise<Contender> {
  const vectors = clusteredVectors(n, dimension, { seed: 3, ...shape });
  const contender = await open();
  const begun = performance.now();
  await contender.add(vectors);
  const writtenMs = performance.now() - begun;
  await contender.settle?.();
  const ready: Ready = { title: contender.name, writtenMs, buildMs: performance.now() - begun };
  process.send?.(ready);
  return contender;
}

async function open(): Promise<Contender> {
  if (name === 'ours') return openOurs(folder, 'bench');
  if (name === 'flat') return openFlat();
  return name === 'usearch' ? await openUsearch(dimension) : await openAgentDb();
}

/** Of each query the wall-clock and the processor time, and what was found. */
async function measured(contender: Contender, { from, to }: Turn): Promise<Measured> {
  const result: Measured = { ms: [], cpuMs: [], found: [] };
  // One that was not asked for a while finds the processor's caches cold.
  for (const query of queries.slice(0, WARM_UP)) await contender.search(query);
  for (const query of queries.slice(from, to)) {
    const used = process.cpuUsage();
    const started = performance.now();
    const found = await contender.search(query);
    result.ms.push(performance.now() - started);
    const { user, system } = process.cpuUsage(used);
    result.cpuMs.push((user + system) / 1000);
    result.found.push(found);
  }
  return result;
}

const contender = await built();
process.on('message', (turn: Turn | 'close') => {
  if (turn === 'close') void Promise.resolve(contender.close()).then(() => process.disconnect());
  else void measured(contender, turn).then((result) => process.send?.(result));
});
