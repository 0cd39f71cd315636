import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { dot } from '../../src/patterns/index/flat.ts';
import type { Pattern } from '../../src/patterns/pattern.ts';
import { createSqliteStore } from '../../src/patterns/sqlite-store.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { installAgentDb, installUsearch } from '../install.ts';

/** Something that holds vectors and finds near ones, by their numbers. */
export interface Contender {
  name: string;
  add(vectors: readonly Float32Array[]): Promise<void> | void;
  /** Has done by then what may be done after `add`. */
  settle?(): Promise<void>;
  /** Numbers of the ten nearest. */
  search(query: Float32Array): Promise<number[]> | number[];
  close(): Promise<void> | void;
}

const K = 10;
const BATCH = 1000;

/** The whole store: rows are written durably, read back, and parsed. */
export function openOurs(folder: string, embedder: string): Contender {
  const store = createSqliteStore({
    database: openDatabase(folder),
    folder,
    onTrouble: (message) => process.stderr.write(`${message}\n`),
  });
  return {
    name: 'aqe-llm',
    add(vectors) {
      const dimension = vectors[0]?.length ?? 0;
      for (let from = 0; from < vectors.length; from += BATCH) {
        const patterns = vectors.slice(from, from + BATCH).map((vector, index) => ({
          pattern: patternOf(from + index),
          vector,
        }));
        store.add(patterns, { embedder, dimension });
      }
    },
    settle: () => store.settle(),
    async search(query) {
      const found = await store.search(query, K);
      return found.map(({ pattern }) => Number(pattern.id));
    },
    close: () => store.close(),
  };
}

function patternOf(number: number): Pattern {
  return {
    id: `${number}`,
    name: `pattern ${number}`,
    prompt: `Write unit tests for part ${number} of the scheduler. `.repeat(6),
    answer: `test('part ${number}', () => { expect(part(${number})).toBe(true); });\n`.repeat(8),
    category: 'test-generation',
    scope: {},
    belief: { alpha: 9, beta: 1 },
    uses: 0,
    outcomes: { good: 0, bad: 0 },
    verified: 'execution',
    provenance: { source: 'import' },
    createdAt: 0,
    updatedAt: 0,
  };
}

/** Each vector, one after the other. */
export function openFlat(): Contender {
  let all: readonly Float32Array[] = [];
  return {
    name: 'flat scan (exact)',
    add: (vectors) => void (all = vectors),
    search(query) {
      const best: { at: number; similarity: number }[] = [];
      for (const [at, vector] of all.entries()) {
        const similarity = dot(query, vector);
        if (best.length === K && similarity <= (best[K - 1]?.similarity ?? 0)) continue;
        best.push({ at, similarity });
        best.sort((a, b) => b.similarity - a.similarity);
        if (best.length > K) best.pop();
      }
      return best.map(({ at }) => at);
    },
    close: () => {},
  };
}

type UsearchClass = new (options: { metric: string; dimensions: number }) => {
  add(key: bigint, vector: Float32Array): void;
  search(query: Float32Array, k: number): { keys: BigUint64Array };
};
const usearchModule = z.object({
  Index: z.custom<UsearchClass>((value) => typeof value === 'function'),
});

/** usearch as its own documentation opens it; rows are not kept with it. */
export async function openUsearch(dimension: number): Promise<Contender> {
  const folder = await installUsearch();
  const load = createRequire(path.join(folder, 'package.json'));
  const { Index } = usearchModule.parse(load(folder));
  const index = new Index({ metric: 'ip', dimensions: dimension });
  return {
    name: 'usearch (index only)',
    add(vectors) {
      for (const [at, vector] of vectors.entries()) index.add(BigInt(at), vector);
    },
    search: (query) => Array.from(index.search(query, K).keys, Number),
    close: () => {},
  };
}

/** AgentDB's own search of patterns, over the database that it opens by default. */
export async function openAgentDb(): Promise<Contender> {
  const folder = await installAgentDb();
  const load = (file: string): Promise<unknown> =>
    import(pathToFileURL(path.join(folder, 'dist', file)).href);
  // Its index file wants a native module that its default does not use.
  const { ReasoningBank } = bankModule.parse(await load('controllers/ReasoningBank.js'));
  const { createDatabase } = databaseModule.parse(await load('db-fallback.js'));
  const database = await createDatabase(':memory:');
  let next = new Float32Array();
  const bank = new ReasoningBank(database, { embed: async () => next });
  return {
    name: 'AgentDB (default)',
    async add(vectors) {
      for (const [at, vector] of vectors.entries()) {
        // It takes the whole buffer that lies behind a vector.
        next = Float32Array.from(vector);
        await bank.storePattern({ taskType: 'test-generation', approach: `${at}`, successRate: 1 });
      }
    },
    async search(query) {
      const found = await bank.searchPatterns({ taskEmbedding: query, k: K });
      return found.map(({ approach }) => Number(approach));
    },
    close: () => {},
  };
}

interface Bank {
  storePattern(pattern: object): Promise<number>;
  searchPatterns(query: object): Promise<{ approach: string }[]>;
}
type BankClass = new (
  database: unknown,
  embedder: { embed(text: string): Promise<Float32Array> },
) => Bank;
const isFunction = (value: unknown): boolean => typeof value === 'function';
const bankModule = z.object({ ReasoningBank: z.custom<BankClass>(isFunction) });
const databaseModule = z.object({
  createDatabase: z.custom<(file: string) => Promise<unknown>>(isFunction),
});
