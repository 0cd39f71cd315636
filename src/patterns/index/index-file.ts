import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { messageOf } from '../../core/errors.ts';
import { readHnsw, type Hnsw } from './hnsw.ts';

/** Names the graph's file and says what it was built from; written last, by a rename. */
const HEAD = 'patterns.hnsw.json';
const FORMAT = 1;

const headSchema = z.object({
  format: z.literal(FORMAT),
  generation: z.int(),
  dimension: z.int(),
  label: z.int(),
  burial: z.int(),
  /** Labels whose places are tombstones. */
  removed: z.array(z.int()),
  file: z.string().regex(/^patterns-[0-9a-f]+\.hnsw$/),
  bytes: z.int(),
  crc32: z.int(),
});

/** What a graph was built from. */
export interface Stamp {
  /** Of the store's vectors: another one means another embedder. */
  generation: number;
  dimension: number;
  /** Every vector up to this label is in it. */
  label: number;
  /** Every burial up to this number was heeded. */
  burial: number;
}

export type Loaded =
  | { state: 'loaded'; hnsw: Hnsw; label: number; burial: number; removed: readonly number[] }
  | { state: 'absent' }
  /** There is a file that cannot be used. */
  | { state: 'unusable'; why: string };

/** Reads the saved graph if it is whole and of these vectors. Never throws: what is wrong with it is no loss. */
export async function loadIndexFile(
  folder: string,
  expected: Pick<Stamp, 'generation' | 'dimension'>,
): Promise<Loaded> {
  let text: string;
  try {
    text = await readFile(path.join(folder, HEAD), 'utf8');
  } catch {
    return { state: 'absent' };
  }
  try {
    const head = headSchema.parse(JSON.parse(text));
    if (head.generation !== expected.generation || head.dimension !== expected.dimension) {
      return { state: 'unusable', why: 'it was made of other vectors' };
    }
    const file = path.join(folder, head.file);
    const { size } = await stat(file);
    if (size !== head.bytes) {
      return { state: 'unusable', why: `it has ${size} bytes instead of ${head.bytes}` };
    }
    if ((await checksum(file)) !== head.crc32) {
      return { state: 'unusable', why: 'its checksum is wrong' };
    }
    const hnsw = await readHnsw(file, head.dimension, head.removed);
    const { label, burial, removed } = head;
    return { state: 'loaded', hnsw, label, burial, removed };
  } catch (error) {
    return { state: 'unusable', why: messageOf(error) };
  }
}

/** Writes a graph beside the one that is there, and puts it in its place at once. */
export async function saveIndexFile(
  folder: string,
  hnsw: Hnsw,
  stamp: Stamp,
  removed: readonly number[],
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const name = randomBytes(6).toString('hex');
  const file = `patterns-${name}.hnsw`;
  const whole = path.join(folder, file);
  const head = path.join(folder, `${HEAD}.${name}`);
  try {
    await hnsw.write(whole);
    const { size: bytes } = await stat(whole);
    const content = {
      format: FORMAT,
      ...stamp,
      removed,
      file,
      bytes,
      crc32: await checksum(whole),
    };
    await writeFile(head, JSON.stringify(content));
    await rename(head, path.join(folder, HEAD));
  } catch (error) {
    await Promise.all([rm(whole, { force: true }), rm(head, { force: true })]);
    throw error;
  }
  await removeOthers(folder, file);
}

/** Graphs that nothing names any more, of earlier saves and of processes that died. */
async function removeOthers(folder: string, kept: string): Promise<void> {
  const MINUTE = 60_000;
  for (const name of await readdir(folder)) {
    const isOurs = name.startsWith('patterns-') && name.endsWith('.hnsw');
    const isHead = name.startsWith(`${HEAD}.`);
    if ((!isOurs && !isHead) || name === kept) continue;
    const file = path.join(folder, name);
    // One that is being written or read by another process is left alone for a while.
    const age = await stat(file).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > MINUTE) await rm(file, { force: true });
  }
}

async function checksum(file: string): Promise<number> {
  let sum = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
    if (Buffer.isBuffer(chunk)) sum = crc32(chunk, sum);
  }
  return sum;
}
