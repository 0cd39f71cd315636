import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { z } from 'zod';
import { installAgentDb } from '../../benchmarks/install.ts';
import { seededIndex } from '../../src/core/random.ts';

const BIN = fileURLToPath(new URL('../../bin/aqe-llm.js', import.meta.url));
const PATTERNS = 400;
const EPISODES = 200;
const DIMENSION = 384;
/** `migrate start` is killed so often on its way, after up to so many milliseconds. */
const KILLS = 6;
const MOST_MS = 6000;

const isFunction = (value: unknown): boolean => typeof value === 'function';
interface Database {
  exec(sql: string): unknown;
  save(): void;
}
interface Embedder {
  embed(text: string): Promise<Float32Array>;
}
const databaseModule = z.object({
  createDatabase: z.custom<(file: string) => Promise<Database>>(isFunction),
});
const bankModule = z.object({
  ReasoningBank:
    z.custom<
      new (
        database: Database,
        embedder: Embedder,
      ) => { storePattern(pattern: object): Promise<number> }
    >(isFunction),
});
const memoryModule = z.object({
  ReflexionMemory:
    z.custom<
      new (
        database: Database,
        embedder: Embedder,
      ) => { storeEpisode(episode: object): Promise<number> }
    >(isFunction),
});

const comparisonSchema = z.object({
  rows: z.object({ pattern: z.int(), episode: z.int() }),
  copied: z.object({ pattern: z.int(), episode: z.int() }),
  leftOut: z.array(z.string()),
  sha256: z.object({ file: z.string(), store: z.string() }),
  changed: z.int(),
  unmirrored: z.int(),
  isEqual: z.boolean(),
  search: z.object({ ms: z.object({ agentdb: z.number(), store: z.number() }) }).optional(),
});

/**
 * A file that the real AgentDB wrote comes over, although the move is killed again and again: counts
 * and hashes equal. What AgentDB overwrites while both are written is made good.
 */
export async function run(out: (line: string) => void): Promise<boolean> {
  const folder = await mkdtemp(path.join(tmpdir(), 'aqe-agentdb-'));
  const file = path.join(folder, 'agentdb.db');
  let held = true;
  const check = (name: string, isRight: boolean, found: unknown): void => {
    held &&= isRight;
    out(`${isRight ? 'ok  ' : 'FAIL'} ${name}: ${JSON.stringify(found)}`);
  };
  const curate = (...args: string[]): unknown => {
    const words = [BIN, 'curate', ...args, '--json'];
    const { stdout, stderr } = spawnSync(process.execPath, words, {
      cwd: folder,
      encoding: 'utf8',
    });
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout);
  };
  const compare = (): z.output<typeof comparisonSchema> =>
    comparisonSchema.parse(curate('migrate', 'compare'));
  const random = seededIndex(20_261_127);
  try {
    const agentDb = await writeAgentDb(file);
    let killed = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const words = [BIN, 'curate', 'migrate', 'start', file];
      const child = spawn(process.execPath, words, { cwd: folder, stdio: 'ignore' });
      const ended = once(child, 'exit');
      await Promise.race([ended, sleep(random(MOST_MS))]);
      child.kill('SIGKILL');
      await ended;
      if (child.signalCode === 'SIGKILL') killed += 1;
    }
    out(`migrate start was killed ${killed} times of ${KILLS}`);
    curate('migrate', 'start', file);
    const { rows, copied, leftOut, sha256, changed, isEqual, search } = comparisonSchema.parse(
      curate('migrate', 'compare'),
    );
    const wanted = { pattern: PATTERNS, episode: EPISODES };
    check('rows in the file', JSON.stringify(rows) === JSON.stringify(wanted), rows);
    check('rows taken over', JSON.stringify(copied) === JSON.stringify(wanted), copied);
    check('left out, changed', leftOut.length + changed === 0, [leftOut.length, changed]);
    check('content', isEqual && sha256.file === sha256.store, sha256.store.slice(0, 16));
    check('search, median ms', search !== undefined, search?.ms);
    const { patterns: store } = z.object({ patterns: z.int() }).parse(curate('migrate', 'start'));
    check('nothing twice', store === PATTERNS + EPISODES, store);
    await writeFile(
      path.join(folder, 'new.jsonl'),
      '{"prompt": "Is it new?", "answer": "It is.", "category": "other"}',
    );
    curate('import', 'new.jsonl');
    check('written to both', compare().rows.pattern === PATTERNS + 1, compare().rows);
    await agentDb.storeOne();
    const before = compare();
    check('AgentDB saved over it', !before.isEqual && before.unmirrored === 1, before.unmirrored);
    curate('migrate', 'start');
    const after = compare();
    check('made good', after.isEqual && after.rows.pattern === PATTERNS + 2, after.rows);
    check('switched', true, curate('migrate', 'switch'));
    check('finished', true, curate('migrate', 'finish'));
    return held;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** By AgentDB's own code; the embedder is its seam. */
async function writeAgentDb(file: string): Promise<{ storeOne(): Promise<void> }> {
  const folder = await installAgentDb();
  const load = (name: string): Promise<unknown> =>
    import(pathToFileURL(path.join(folder, 'dist', name)).href);
  const { createDatabase } = databaseModule.parse(await load('db-fallback.js'));
  const { ReasoningBank } = bankModule.parse(await load('controllers/ReasoningBank.js'));
  const { ReflexionMemory } = memoryModule.parse(await load('controllers/ReflexionMemory.js'));
  const embedder: Embedder = {
    embed: async (text) =>
      Float32Array.from({ length: DIMENSION }, (_, index) =>
        Math.sin((text.codePointAt(index % text.length) ?? 0) * (index + 1)),
      ),
  };
  const database = await createDatabase(file);
  database.exec(await readFile(path.join(folder, 'dist/schemas/schema.sql'), 'utf8'));
  const bank = new ReasoningBank(database, embedder);
  for (let number = 0; number < PATTERNS; number++) {
    await bank.storePattern({
      taskType: ['test-generation', 'code-review', 'deploy'][number % 3],
      approach: `Approach ${number}: look at "quotes", umlauts (äöü) and\nlines, then at part ${number * 7}.`,
      successRate: (number % 10) / 10,
      uses: number,
      tags: ['qe', `t${number % 5}`],
      metadata: { number },
    });
  }
  const memory = new ReflexionMemory(database, embedder);
  for (let number = 0; number < EPISODES; number++) {
    await memory.storeEpisode({
      sessionId: `s${number % 7}`,
      task: `Task ${number}`,
      input: number % 2 === 0 ? `Input ${number}` : undefined,
      output: `Output ${number}`,
      critique: 'Fine.',
      reward: (number % 11) / 10,
      success: number % 3 !== 0,
    });
  }
  database.save();
  return {
    async storeOne() {
      await bank.storePattern({ taskType: 'deploy', approach: 'One more.', successRate: 0.5 });
      database.save();
    },
  };
}
