import { fileURLToPath } from 'node:url';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConfigFile } from '../../../src/config/schema.ts';
import { freePort } from '../../contracts/loopback.ts';

export const MODEL = 'echo';

/** A model server in a process of its own that can be killed and started again at its address. */
export interface EchoServer {
  url: string;
  start(): Promise<void>;
  /** As `kill -9` does; returns when it is gone. */
  kill(): Promise<void>;
}

const READY_MS = 60_000;
const SCRIPT = fileURLToPath(new URL('echo-server.ts', import.meta.url));

/** @param pauseMs milliseconds between two pieces of an answer, of which there are eight */
export async function startEchoServer(pauseMs: number): Promise<EchoServer> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let kill: () => Promise<void> = async () => {};
  const server: EchoServer = {
    url,
    kill: () => kill(),
    async start() {
      const args = ['--import', 'tsx', SCRIPT, `${port}`, MODEL, `${pauseMs}`];
      const child = spawn(process.execPath, args, { stdio: 'inherit' });
      const closed = once(child, 'close');
      const end = (): void => void child.kill('SIGKILL');
      process.once('exit', end);
      kill = async () => {
        end();
        await closed;
        process.off('exit', end);
      };
      const giveUp = performance.now() + READY_MS;
      while (child.exitCode === null && performance.now() < giveUp) {
        const answer = await fetch(`${url}/v1/models`).catch(() => undefined);
        await answer?.body?.cancel();
        if (answer?.ok === true) return;
        await sleep(50);
      }
      await kill();
      throw new Error('The echo server did not become ready');
    },
  };
  await server.start();
  return server;
}

export const TIERS = ['orchestrated', 'direct', 'cloud'] as const;

/** A configuration in which each tier is one of three servers. */
export function threeTiers(servers: readonly { url: string }[]): ConfigFile {
  const named = TIERS.map((tier, index) => {
    const url = servers[index]?.url ?? '';
    return [tier, { kind: 'openai-compatible' as const, url }];
  });
  return {
    servers: Object.fromEntries(named),
    tiers: Object.fromEntries(TIERS.map((tier) => [tier, `${tier}:${MODEL}`])),
    // Short, so that what hangs is told from what is slow.
    deadlines: { connectMs: 1000, firstTokenMs: 5000, idleMs: 5000, totalMs: 15_000 },
    routing: { failoverMs: 2000 },
  };
}
