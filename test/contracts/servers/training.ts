import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const SCRIPTS = fileURLToPath(new URL('../../../deploy/training/', import.meta.url));

const run = promisify(execFile);

/** Writes a GGUF file as a folder that vLLM and the training read. */
export async function writeWeights(venv: string, model: string, folder: string): Promise<void> {
  await run(join(venv, 'bin', 'python'), [join(SCRIPTS, 'weights.py'), model, folder]);
}

/** Trains a small adapter, about a minute long. */
export async function trainAdapter(venv: string, folder: string, adapter: string): Promise<void> {
  await run(join(venv, 'bin', 'python'), [join(SCRIPTS, 'lora.py'), folder, adapter]);
}
