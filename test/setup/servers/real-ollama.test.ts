import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { lookAtServer, type LookDeps, type ServerLook } from '../../../src/setup/servers/look.ts';
import { pullModel } from '../../../src/setup/servers/ollama-pull.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { clock } from './loopback.ts';

const binary = process.env['AQE_LLM_TEST_OLLAMA'] ?? '';
const model = process.env['AQE_LLM_TEST_MODEL'] ?? '';
const deps: LookDeps = { fetch, clock, env: {} };

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function look(url: string): Promise<ServerLook> {
  for (let tries = 0; ; tries += 1) {
    const found = await lookAtServer('ollama', { kind: 'ollama', url }, deps);
    if (found.state === 'up' || tries === 100) return found;
    await clock.sleep(200);
  }
}

// Needs a real Ollama: AQE_LLM_TEST_OLLAMA names its binary.
test.skipIf(binary === '')(
  'a real Ollama lists what it has and says why it cannot fetch',
  async () => {
    const folder = await temporaryFolder();
    const host = `127.0.0.1:${await freePort()}`;
    // No registry is reached, with or without a network.
    const proxy = 'http://127.0.0.1:1';
    const env = { ...process.env, OLLAMA_HOST: host, OLLAMA_MODELS: folder, HTTPS_PROXY: proxy };
    const server = spawn(binary, ['serve'], { env, stdio: 'ignore' });
    onTestFinished(async () => {
      server.kill();
      await once(server, 'exit');
    });
    const url = `http://${host}`;
    expect(await look(url)).toMatchObject({ state: 'up', models: [] });

    await writeFile(path.join(folder, 'Modelfile'), `FROM ${model}\n`);
    await promisify(execFile)(binary, ['create', 'tiny', '-f', path.join(folder, 'Modelfile')], {
      env,
    });
    expect(await look(url)).toMatchObject({
      models: [{ name: 'tiny:latest', bytes: expect.any(Number) }],
    });

    const pulling = async (): Promise<void> => {
      const pulled = pullModel(url, 'nosuch-model', { fetch, clock }, new AbortController().signal);
      for await (const event of pulled) expect(event.type).toBe('status');
    };
    await expect(pulling()).rejects.toThrow(
      expect.objectContaining({
        code: 'pull.failed',
        message: expect.stringContaining('pull model manifest'),
        hint: expect.stringContaining('does not reach its registry'),
      }),
    );
  },
);
