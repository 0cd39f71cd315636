import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConfigFile } from '../../../src/config/schema.ts';
import { BIN } from '../../cli/run-cli.ts';
import { freePort } from '../../contracts/loopback.ts';

/** A gateway in a process of its own, as somebody would start it. */
export interface Gateway {
  url: string;
  /** Folder of its state database. */
  state: string;
  /** What it printed last. */
  log(): string;
  isAlive(): boolean;
  /** As `kill -9` does; returns when it is gone. */
  kill(): Promise<void>;
  /** As an operator does; returns its exit code. */
  stop(): Promise<number | null>;
}

export interface GatewayOptions {
  /** For its configuration and its state. */
  folder: string;
  config: ConfigFile;
  /** Shell commands before it, as a limit. */
  before?: string;
  env?: Readonly<Record<string, string>>;
}

const READY_MS = 60_000;
const LOG_CHARACTERS = 8000;

/** @throws Error where it does not become ready */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { folder, config, before = ':', env } = options;
  const port = await freePort();
  const file = path.join(folder, 'aqe-llm.config.json');
  const settings = { ...config, state: 'state', gateway: { ...config.gateway, port } };
  await writeFile(file, JSON.stringify(settings));
  // The shell becomes the gateway, so that a signal reaches it.
  const script = `${before}; exec "$0" "$@"`;
  const command = [process.execPath, BIN, 'route', 'serve', '--config', file];
  const child = spawn('bash', ['-c', script, ...command], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      log = (log + chunk).slice(-LOG_CHARACTERS);
    });
  }
  const closed = once(child, 'close');
  const end = (): void => void child.kill('SIGKILL');
  process.once('exit', end);
  void closed.then(() => process.off('exit', end));
  const isAlive = (): boolean => child.exitCode === null && child.signalCode === null;

  const url = `http://127.0.0.1:${port}`;
  const gateway: Gateway = {
    url,
    state: path.join(folder, 'state'),
    log: () => log,
    isAlive,
    async kill() {
      child.kill('SIGKILL');
      await closed;
    },
    async stop() {
      child.kill('SIGTERM');
      await closed;
      return child.exitCode;
    },
  };
  const giveUp = performance.now() + READY_MS;
  while (isAlive() && performance.now() < giveUp) {
    if (await isHealthy(gateway)) return gateway;
    await sleep(50);
  }
  await gateway.kill();
  throw new Error(`The gateway did not become ready. The end of what it said:\n${log}`);
}

export async function isHealthy({ url }: Gateway): Promise<boolean> {
  const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(5000) }).catch(
    () => undefined,
  );
  await answer?.body?.cancel();
  return answer?.ok === true;
}
