import { openOurs } from './contenders.ts';

/**
 * A process of its own that opens a store and searches once: prints the milliseconds until it has
 * the answer, and the bytes of memory that this took.
 */
const [folder = '', dimension = '0'] = process.argv.slice(2);
const query = new Float32Array(Number(dimension)).fill(1 / Math.sqrt(Number(dimension)));
const before = process.memoryUsage().rss;
const started = performance.now();
const store = openOurs(folder, 'bench');
await store.search(query);
const ms = performance.now() - started;
const bytes = process.memoryUsage().rss - before;
await store.close();
process.stdout.write(JSON.stringify({ ms, bytes }));
