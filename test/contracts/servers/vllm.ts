import { join } from 'node:path';
import { freePort } from '../loopback.ts';
import { flags, startProcess, type ServerProcess } from './process.ts';

/**
 * @param venv folder of a Python environment with vLLM
 * @param folder the model as Hugging Face lays it out
 */
export async function startVllm(
  venv: string,
  folder: string,
  name: string,
): Promise<ServerProcess> {
  const port = await freePort();
  return startProcess({
    command: join(venv, 'bin', 'vllm'),
    args: [
      'serve',
      folder,
      ...flags({
        'served-model-name': name,
        host: '127.0.0.1',
        port: `${port}`,
        'max-model-len': '1024',
        'max-num-seqs': '4',
        'max-lora-rank': '16',
        dtype: 'bfloat16',
        'enforce-eager': true,
        'enable-lora': true,
        'enable-auto-tool-choice': true,
        'tool-call-parser': 'hermes',
      }),
    ],
    env: {
      HF_HUB_OFFLINE: '1',
      OMP_NUM_THREADS: '1',
      VLLM_CPU_KVCACHE_SPACE: '1',
      VLLM_ALLOW_RUNTIME_LORA_UPDATING: 'True',
      VLLM_NO_USAGE_STATS: '1',
    },
    url: `http://127.0.0.1:${port}`,
    readyPath: '/health',
  });
}
