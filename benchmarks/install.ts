import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import envPaths from 'env-paths';

const execute = promisify(execFile);

/** Installations of this benchmark, kept for the next time. */
const CACHE = path.join(
  process.env['AQE_LLM_CACHE'] || envPaths('aqe-llm', { suffix: '' }).cache,
  'bench',
);
/** Longest that one installation may take; LiteLLM brings 700 MB. */
const INSTALL_MS = 600_000;

const PORTKEY = '1.15.2';
/** The newest whose own requirements can all be met on Python 3.11. */
const LITELLM = '1.106.2';

const USEARCH = '2.26.2';
const AGENTDB = '1.6.1';

/** @returns the script that starts it */
export async function installPortkey(): Promise<string> {
  const folder = await installOnce(`portkey-${PORTKEY}`, async (into) => {
    const packages = [`@portkey-ai/gateway@${PORTKEY}`, '--no-audit', '--no-fund'];
    await run('npm', ['install', '--prefix', into, ...packages]);
  });
  return path.join(folder, 'node_modules/@portkey-ai/gateway/build/start-server.js');
}

/** @returns the program that starts it */
export async function installLiteLlm(): Promise<string> {
  const folder = await installOnce(`litellm-${LITELLM}`, async (into) => {
    await run('python3', ['-m', 'venv', into]);
    const pip = path.join(into, 'bin/python');
    await run(pip, ['-m', 'pip', 'install', '-q', `litellm[proxy]==${LITELLM}`]);
  });
  return path.join(folder, 'bin/litellm');
}

/** @returns the folder of the package */
export async function installUsearch(): Promise<string> {
  const folder = await installOnce(`usearch-${USEARCH}`, async (into) => {
    const packages = [`usearch@${USEARCH}`, '--no-audit', '--no-fund', '--ignore-scripts'];
    await run('npm', ['install', '--prefix', into, ...packages]);
  });
  return path.join(folder, 'node_modules/usearch');
}

/** @returns the folder of the package */
export async function installAgentDb(): Promise<string> {
  const folder = await installOnce(`agentdb-${AGENTDB}`, async (into) => {
    // What it asks for by way of its transformers needs a download that not every network gives; it is not used.
    const manifest = {
      private: true,
      overrides: { sharp: '0.34.4', 'onnxruntime-node': '1.14.0' },
    };
    await writeFile(path.join(into, 'package.json'), JSON.stringify(manifest));
    const packages = [`agentdb@${AGENTDB}`, '--no-audit', '--no-fund', '--ignore-scripts'];
    await run('npm', ['install', '--prefix', into, ...packages]);
  });
  return path.join(folder, 'node_modules/agentdb');
}

/** Installs into a folder of the cache unless that was done to its end before. */
async function installOnce(
  name: string,
  install: (into: string) => Promise<void>,
): Promise<string> {
  const folder = path.join(CACHE, name);
  const ready = path.join(folder, '.ready');
  const isReady = await readFile(ready).then(
    () => true,
    () => false,
  );
  if (isReady) return folder;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await install(folder);
  await writeFile(ready, '');
  return folder;
}

async function run(command: string, args: readonly string[]): Promise<void> {
  await execute(command, args, { timeout: INSTALL_MS });
}
