import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

export const CONTENDERS = ['ours', 'flat', 'usearch', 'agentdb'] as const;
export type ContenderId = (typeof CONTENDERS)[number];

/** Numbers of the queries to be searched for: `from` is included, `to` is not. */
export interface Turn {
  from: number;
  to: number;
}

const readySchema = z.object({ title: z.string(), writtenMs: z.number(), buildMs: z.number() });
export type Ready = z.output<typeof readySchema>;

const measuredSchema = z.object({
  ms: z.array(z.number()),
  /** Processor time: what it takes where nobody else wants the cores. */
  cpuMs: z.array(z.number()),
  found: z.array(z.array(z.number())),
});
export type Measured = z.output<typeof measuredSchema>;

/** A contender at work, and what it has shown so far. */
export interface Entry extends Ready, Measured {
  id: ContenderId;
  take(turn: Turn): Promise<void>;
  close(): Promise<void>;
}

/** @returns when all vectors are in it */
export async function enter(
  id: ContenderId,
  n: number,
  dimension: number,
  folder: string,
): Promise<Entry> {
  const script = fileURLToPath(new URL('contender-process.ts', import.meta.url));
  const child = fork(script, [id, `${n}`, `${dimension}`, folder], {
    execArgv: ['--import', 'tsx'],
  });
  const ready = readySchema.parse(await answerOf(child));
  const all: Measured = { ms: [], cpuMs: [], found: [] };
  return {
    id,
    ...ready,
    ...all,
    async take(turn) {
      child.send(turn);
      const { ms, cpuMs, found } = measuredSchema.parse(await answerOf(child));
      all.ms.push(...ms);
      all.cpuMs.push(...cpuMs);
      all.found.push(...found);
    },
    async close() {
      child.send('close');
      await once(child, 'exit');
    },
  };
}

/** What it says next; it may also end. */
async function answerOf(child: ChildProcess): Promise<unknown> {
  const over = new AbortController();
  try {
    return await Promise.race([
      once(child, 'message', { signal: over.signal }).then(([message]) => message as unknown),
      once(child, 'exit', { signal: over.signal }).then(([code]) => {
        throw new Error(`the contender's process ended with ${code}`);
      }),
    ]);
  } finally {
    over.abort();
  }
}
