import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { messageOf } from '../../src/core/errors.ts';
import { BIN } from '../../test/cli/run-cli.ts';
import { freePort } from '../../test/contracts/loopback.ts';
import { startProcess, type ServerProcess } from '../../test/contracts/servers/process.ts';
import { installLiteLlm, installPortkey } from '../install.ts';
import type { Asked } from './load.ts';

const MODEL = 'bench';
const SOME_KEY = { authorization: 'Bearer none' };

export interface Contender extends Asked {
  name: string;
  stop(): Promise<void>;
}

/** The server behind all others, asked without anybody in between: the control. */
export async function startDirect(): Promise<Contender> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const script = fileURLToPath(new URL('upstream.ts', import.meta.url));
  const server = await startProcess({
    command: process.execPath,
    args: ['--import', 'tsx', script, `${port}`, MODEL],
    url,
    readyPath: '/v1/models',
  });
  return { name: 'direct (control)', url, headers: {}, model: MODEL, stop: () => server.stop() };
}

/** A program in between that only hands on: what any gateway costs here at the least. */
export async function startBare(upstream: string): Promise<Contender> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const script = fileURLToPath(new URL('bare.ts', import.meta.url));
  const server = await startProcess({
    command: process.execPath,
    args: ['--import', 'tsx', script, `${port}`, upstream],
    url,
    readyPath: '/v1/models',
  });
  return { name: 'bare proxy', url, headers: {}, model: MODEL, stop: () => server.stop() };
}

/** The gateways before that server; says which cannot be had. */
export async function startGateways(
  upstream: string,
  out: (line: string) => void,
): Promise<Contender[]> {
  const started: Contender[] = [];
  const starts = { 'aqe-llm': startOurs, Portkey: startPortkey, LiteLLM: startLiteLlm };
  for (const [name, start] of Object.entries(starts)) {
    try {
      started.push(await start(name, upstream));
    } catch (error) {
      if (name === 'aqe-llm') throw error;
      out(`${name} is left out, it cannot be installed or started: ${messageOf(error)}`);
    }
  }
  return started;
}

/** The whole walk: each request is described, decided and recorded. */
async function startOurs(name: string, upstream: string): Promise<Contender> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const config = {
    state: 'state',
    servers: { bench: { kind: 'openai-compatible', url: upstream } },
    tiers: { direct: `bench:${MODEL}` },
    gateway: { port },
  };
  const { folder, file } = await configuration('aqe-llm.config.json', JSON.stringify(config));
  const server = await startProcess({
    command: process.execPath,
    args: [BIN, 'route', 'serve', '--config', file],
    url,
    readyPath: '/health',
  });
  return { name, url, headers: {}, model: 'auto', stop: () => stopAndRemove(server, folder) };
}

/** Its gateway takes where to go from headers; it listens on every address of the machine. */
async function startPortkey(name: string, upstream: string): Promise<Contender> {
  const script = await installPortkey();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = await startProcess({
    command: process.execPath,
    args: [script, `--port=${port}`, '--headless'],
    env: { NODE_ENV: 'production' },
    url,
    readyPath: '/',
  });
  const headers = {
    ...SOME_KEY,
    'x-portkey-provider': 'openai',
    'x-portkey-custom-host': `${upstream}/v1`,
  };
  return { name, url, headers, model: MODEL, stop: () => server.stop() };
}

/** Its proxy, one worker, nothing recorded and no key asked for. */
async function startLiteLlm(name: string, upstream: string): Promise<Contender> {
  const program = await installLiteLlm();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const params = { model: `openai/${MODEL}`, api_base: `${upstream}/v1`, api_key: 'none' };
  const { folder, file } = await configuration(
    'litellm.yaml',
    stringify({ model_list: [{ model_name: MODEL, litellm_params: params }] }),
  );
  const server = await startProcess({
    command: program,
    args: ['--config', file, '--host', '127.0.0.1', '--port', `${port}`, '--telemetry', 'False'],
    env: {
      LITELLM_LOCAL_MODEL_COST_MAP: 'True',
      LITELLM_LOG: 'ERROR',
      LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY: 'true',
    },
    url,
    readyPath: '/health/readiness',
  });
  const stop = (): Promise<void> => stopAndRemove(server, folder);
  return { name, url, headers: SOME_KEY, model: MODEL, stop };
}

async function configuration(
  name: string,
  text: string,
): Promise<{ folder: string; file: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'aqe-gateway-'));
  const file = path.join(folder, name);
  await writeFile(file, text);
  return { folder, file };
}

async function stopAndRemove(server: ServerProcess, folder: string): Promise<void> {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}
