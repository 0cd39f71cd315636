import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { createSqliteStore } from '../../src/patterns/sqlite-store.ts';
import { openDatabase } from '../../src/storage/database.ts';

export interface Writer {
  name: string;
  seed: number;
  /** Things that it does when nobody kills it. */
  most: number;
  /** Killed so many milliseconds after its first word; never when absent. */
  killAfterMs?: number;
  /** Says that it is done before it is, to show that a loss would be seen. */
  early?: boolean;
}

const said = z.union([
  z.object({ say: z.literal('done') }),
  z.object({ say: z.literal('will'), op: z.literal('add'), ids: z.array(z.string()) }),
  z.object({ say: z.literal('will'), op: z.literal('update'), id: z.string(), uses: z.number() }),
  z.object({ say: z.literal('will'), op: z.literal('remove'), id: z.string() }),
]);
type Said = z.output<typeof said>;

/** What must be there, by what writers have said: uses by id. */
export interface Expected {
  uses: Map<string, number>;
  /** What the last words of the killed leave open: there or not, and with which uses. */
  open: Set<string>;
  acknowledged: number;
}

export function nothingExpected(): Expected {
  return { uses: new Map(), open: new Set(), acknowledged: 0 };
}

/** Runs writers at once and adds what they have said to what is expected. */
export async function write(
  folder: string,
  writers: readonly Writer[],
  expected: Expected,
): Promise<void> {
  const lines = await Promise.all(writers.map((writer) => writeAndDie(folder, writer)));
  for (const words of lines) heed(words, expected);
}

function heed(words: readonly Said[], expected: Expected): void {
  const { uses, open } = expected;
  let pending: Said | undefined;
  const apply = (what: Said): void => {
    if (what.say !== 'will') return;
    if (what.op === 'add') for (const id of what.ids) uses.set(id, 0);
    else if (what.op === 'update') uses.set(what.id, what.uses);
    else uses.delete(what.id);
  };
  for (const word of words) {
    if (word.say === 'will') {
      pending = word;
    } else if (pending !== undefined) {
      apply(pending);
      pending = undefined;
      expected.acknowledged += 1;
    }
  }
  if (pending?.say === 'will') {
    for (const id of pending.op === 'add' ? pending.ids : [pending.id]) open.add(id);
  }
}

/** What is lost, damaged or too much in the store; nothing where all is well. */
export async function problemsOf(folder: string, { uses, open }: Expected): Promise<string[]> {
  const problems: string[] = [];
  const database = openDatabase(folder);
  const store = createSqliteStore({
    database,
    folder,
    onTrouble: (message) => problems.push(message),
  });
  try {
    const integrity = database.pragma('integrity_check', { simple: true });
    if (integrity !== 'ok') problems.push(String(integrity));
    const there = new Map([...store.each()].map((pattern) => [pattern.id, pattern]));
    for (const [id, count] of uses) {
      const pattern = there.get(id);
      if (open.has(id)) continue;
      if (pattern === undefined) problems.push(`${id} is lost`);
      else if (pattern.uses !== count)
        problems.push(`${id} has ${pattern.uses}, not ${count} uses`);
    }
    for (const id of there.keys()) {
      if (!uses.has(id) && !open.has(id)) problems.push(`${id} should not be there`);
    }
    // Each is found by its own vector: the index has what the store has.
    let checked = 0;
    for (const id of there.keys()) {
      if ((checked += 1) % 97 !== 1) continue;
      const vector = store.vectorOf(id);
      const found = vector === undefined ? [] : await store.search(vector, 1);
      if ((found[0]?.similarity ?? 0) < 0.9999) problems.push(`${id} is not found by its vector`);
    }
  } finally {
    await store.close();
  }
  return problems;
}

async function writeAndDie(folder: string, writer: Writer): Promise<Said[]> {
  const { name, seed, most, killAfterMs, early = false } = writer;
  const script = fileURLToPath(new URL('writer.ts', import.meta.url));
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', script, folder, name, `${seed}`, `${most}`, early ? 'early' : 'after'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const isFirst = text === '';
    text += chunk;
    if (!isFirst || killAfterMs === undefined) return;
    void sleep(killAfterMs).then(() => child.kill('SIGKILL'));
  });
  const [code]: unknown[] = await once(child, 'close');
  if (killAfterMs === undefined && code !== 0)
    throw new Error(`${name} ended with ${String(code)}`);
  // A line that was cut off was not said.
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => said.parse(JSON.parse(line)));
}
