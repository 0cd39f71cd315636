import { freePort } from '../loopback.ts';
import { flags, startProcess, type ServerProcess } from './process.ts';

/** @param model a GGUF file */
export async function startLlamaServer(
  binary: string,
  model: string,
  alias: string,
): Promise<ServerProcess> {
  const port = await freePort();
  return startProcess({
    command: binary,
    args: flags({
      model,
      alias,
      host: '127.0.0.1',
      port: `${port}`,
      // 1,024 tokens for each of two requests at once.
      'ctx-size': '2048',
      parallel: '2',
      threads: '1',
      pooling: 'mean',
      embeddings: true,
      metrics: true,
      slots: true,
      // Tools need the model's own template.
      jinja: true,
    }),
    url: `http://127.0.0.1:${port}`,
    readyPath: '/health',
  });
}
