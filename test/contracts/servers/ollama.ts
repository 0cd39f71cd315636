import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../loopback.ts';
import { startProcess, type ServerProcess } from './process.ts';

/**
 * Serves one model from a GGUF file, out of a folder that ends with the server.
 * @param modelfileLines more of its Modelfile, as a template
 */
export async function startOllama(
  binary: string,
  model: string,
  name: string,
  modelfileLines = '',
): Promise<ServerProcess> {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'aqe-llm-ollama-'));
  const env = {
    OLLAMA_HOST: `127.0.0.1:${port}`,
    OLLAMA_MODELS: join(folder, 'models'),
    OLLAMA_CONTEXT_LENGTH: '1024',
  };
  const server = await startProcess({
    command: binary,
    args: ['serve'],
    env,
    url: `http://127.0.0.1:${port}`,
    readyPath: '/api/version',
  });
  async function stop(): Promise<void> {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
  try {
    const modelfile = join(folder, 'Modelfile');
    await writeFile(modelfile, `FROM ${model}\nPARAMETER num_thread 1\n${modelfileLines}\n`);
    const create = spawn(binary, ['create', name, '-f', modelfile], {
      env: { ...process.env, ...env },
      stdio: 'ignore',
    });
    const [code] = await once(create, 'close');
    if (code !== 0) throw new Error(`ollama create ended with ${code}`);
  } catch (error) {
    await stop();
    throw error;
  }
  return { ...server, stop };
}
