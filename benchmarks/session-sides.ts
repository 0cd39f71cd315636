import path from 'node:path';
import type { Provider } from '../src/providers/provider.ts';
import type { createRuntime } from '../src/runtime.ts';
import { freePort } from '../test/contracts/loopback.ts';
import { flags, startProcess, type ServerProcess } from '../test/contracts/servers/process.ts';
import { writeWeights } from '../test/contracts/servers/training.ts';
import { startLlamaServer } from './llama-server.ts';

/** What every side has: one model, one thread, windows of so many tokens. */
export interface Setting {
  runtime: Awaited<ReturnType<typeof createRuntime>>;
  model: string;
  /** A GGUF file. */
  file: string;
  contextTokens: number;
  /** A folder for what is made on the way. */
  folder: string;
}

/** One way of asking. */
export interface Side {
  name: string;
  provider: Provider;
  /** Whether the provider is told of the session. */
  tell: boolean;
}

/** Ways to compare, the control last; `stop` ends what they need. */
export interface Sides {
  sides: readonly Side[];
  stop: () => Promise<void>;
}

/** Answers outside of sessions begin from an empty context. */
export async function embeddedSides({ runtime, model, file }: Setting): Promise<Sides> {
  const provider = runtime.openEmbedded({ id: model, path: file });
  return {
    sides: [
      { name: 'session', provider, tell: true },
      { name: 'control', provider, tell: false },
    ],
    stop: () => provider.shutdown(),
  };
}

/** Each side has a server of two slots to itself, so that no side finds what another left. */
export async function llamaServerSides(setting: Setting, binary: string): Promise<Sides> {
  const { model, file, contextTokens } = setting;
  const start = (): Promise<ServerProcess> =>
    startLlamaServer({ binary, file, model, slots: 2, contextTokens });
  return onServers(setting, [
    { name: 'session', start, tell: true },
    { name: "server's choice of slot", start, tell: false },
    { name: 'control', start, tell: false, cachePrompt: false },
  ]);
}

/** A session is nothing to vLLM: the beginning of the prompt is all it needs. */
export async function vllmSides(setting: Setting, venv: string): Promise<Sides> {
  const { model, file, contextTokens, folder } = setting;
  const weights = path.join(folder, 'weights');
  await writeWeights(venv, file, weights);
  const start = async (caching: string): Promise<ServerProcess> => {
    const port = await freePort();
    return startProcess({
      command: path.join(venv, 'bin', 'vllm'),
      args: [
        'serve',
        weights,
        ...flags({
          'served-model-name': model,
          host: '127.0.0.1',
          port: `${port}`,
          'max-model-len': `${contextTokens}`,
          'max-num-seqs': '4',
          dtype: 'bfloat16',
          'enforce-eager': true,
          'enable-prompt-tokens-details': true,
          [caching]: true,
        }),
      ],
      env: {
        HF_HUB_OFFLINE: '1',
        OMP_NUM_THREADS: '1',
        VLLM_CPU_KVCACHE_SPACE: '1',
        VLLM_NO_USAGE_STATS: '1',
      },
      url: `http://127.0.0.1:${port}`,
      readyPath: '/health',
    });
  };
  return onServers(setting, [
    { name: 'session', start: () => start('enable-prefix-caching'), tell: true },
    { name: 'control', start: () => start('no-enable-prefix-caching'), tell: true },
  ]);
}

interface ServedSide {
  name: string;
  start: () => Promise<ServerProcess>;
  tell: boolean;
  cachePrompt?: boolean;
}

async function onServers(
  { runtime, model }: Setting,
  served: readonly ServedSide[],
): Promise<Sides> {
  const sides: Side[] = [];
  const ends: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of ends) await end();
  };
  try {
    for (const { name, start, tell, cachePrompt } of served) {
      const server = await start();
      ends.push(() => server.stop());
      const provider = await runtime.openServer({
        name,
        model,
        server: { kind: 'openai-compatible', url: server.url },
        ...(cachePrompt === undefined ? {} : { cachePrompt }),
      });
      ends.unshift(() => provider.shutdown());
      sides.push({ name, provider, tell });
    }
    return { sides, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
