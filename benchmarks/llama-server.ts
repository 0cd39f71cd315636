import { freePort } from '../test/contracts/loopback.ts';
import { flags, startProcess, type ServerProcess } from '../test/contracts/servers/process.ts';

export interface LlamaServerOptions {
  binary: string;
  /** A GGUF file. */
  file: string;
  /** The name it is asked by. */
  model: string;
  slots: number;
  /** Tokens of each slot. */
  contextTokens: number;
}

/** A real llama-server on one core, so that the other one is left to whoever measures. */
export async function startLlamaServer(options: LlamaServerOptions): Promise<ServerProcess> {
  const { binary, file, model, slots, contextTokens } = options;
  const port = await freePort();
  return startProcess({
    command: binary,
    args: flags({
      model: file,
      alias: model,
      host: '127.0.0.1',
      port: `${port}`,
      'ctx-size': `${slots * contextTokens}`,
      parallel: `${slots}`,
      threads: '1',
      'threads-batch': '1',
    }),
    url: `http://127.0.0.1:${port}`,
    readyPath: '/health',
  });
}
