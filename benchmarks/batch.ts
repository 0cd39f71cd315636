import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import Table from 'cli-table3';
import { z } from 'zod';
import type { ConfigFile } from '../src/config/schema.ts';
import { createRuntime } from '../src/runtime.ts';
import { freePort } from '../test/contracts/loopback.ts';
import { flags, startProcess, type ServerProcess } from '../test/contracts/servers/process.ts';
import { writeWeights } from '../test/contracts/servers/training.ts';
import { startLlamaServer } from './llama-server.ts';
import { modelFile } from './model-file.ts';

const MODEL = 'smollm2-135m-instruct';
const LINES = 24;
const ANSWER_TOKENS = 64;
const CONTEXT_TOKENS = 1024;
const AT_ONCE = 16;
const BIN = path.join(import.meta.dirname, '..', 'bin', 'aqe-llm.js');

const summarySchema = z.looseObject({ elapsedMs: z.number(), failed: z.int() });
const lineSchema = z.looseObject({
  sameAs: z.int().optional(),
  answer: z.looseObject({ usage: z.looseObject({ outputTokens: z.int().optional() }) }),
});

interface Turn {
  name: string;
  flags: readonly string[];
}

/** The control first. */
const TURNS: readonly Turn[] = [
  { name: 'one at a time (control)', flags: ['--concurrency', '1'] },
  { name: 'as the target says', flags: [] },
  { name: `${AT_ONCE} at once`, flags: ['--concurrency', `${AT_ONCE}`] },
];

interface Figures {
  ms: number;
  outputTokens: number;
  /** Lines that got another line's answer. */
  merged: number;
  failed: number;
}

/**
 * `route batch` with one request at a time, as many as the target says, and 16, on vLLM,
 * llama-server with four slots and the embedded engine. Every batch has prompts of its own, so that
 * no turn finds another's cache. Promise: 3 times as fast on vLLM. What merging saves is shown
 * apart. Needs the built program; servers are those that session.ts names.
 */
export async function run(out: (line: string) => void): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'aqe-batch-'));
  const { AQE_LLM_TEST_LLAMA_SERVER: llamaServer, AQE_LLM_TEST_VLLM: vllm } = process.env;
  try {
    const runtime = await createRuntime({ cwd: folder, env: process.env, flags: {} });
    const file = await modelFile(runtime, MODEL);
    if (vllm === undefined) out('vLLM: AQE_LLM_TEST_VLLM is not set');
    else await onServer('vllm', () => startVllm(vllm, file, folder), folder, out);
    if (llamaServer === undefined) out('llama-server: AQE_LLM_TEST_LLAMA_SERVER is not set');
    else {
      const slots = { model: MODEL, slots: 4, contextTokens: CONTEXT_TOKENS };
      const start = (): Promise<ServerProcess> =>
        startLlamaServer({ binary: llamaServer, file, ...slots });
      await onServer('llama-server', start, folder, out);
    }
    await compare('embedded', { embedded: { model: file, threads: 1 } }, folder, out);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function onServer(
  name: string,
  start: () => Promise<ServerProcess>,
  folder: string,
  out: (line: string) => void,
): Promise<void> {
  const server = await start();
  try {
    const config: ConfigFile = {
      servers: { [name]: { kind: 'openai-compatible', url: server.url } },
      tiers: { direct: `${name}:${MODEL}` },
    };
    await compare(name, config, folder, out);
  } finally {
    await server.stop();
  }
}

async function compare(
  name: string,
  config: ConfigFile,
  folder: string,
  out: (line: string) => void,
): Promise<void> {
  const place = await mkdtemp(path.join(folder, `${name}-`));
  await writeFile(path.join(place, 'aqe-llm.config.json'), JSON.stringify(config));
  // Counts for nothing: the model is loaded, and kernels are compiled.
  await answer(place, 'warm', LINES / 4, 1, []);
  out(`${name}: ${MODEL}, ${LINES} prompts, at most ${ANSWER_TOKENS} tokens each`);
  const table = new Table({
    head: ['', 's', 'tokens/s', 'times the control', 'failed'],
    style: { head: [], border: [], compact: true },
  });
  let control: Figures | undefined;
  for (const [number, turn] of TURNS.entries()) {
    const figures = await answer(place, `turn ${number}`, LINES, 1, turn.flags);
    control ??= figures;
    const speed = perSecond(figures);
    table.push([
      turn.name,
      (figures.ms / 1000).toFixed(1),
      speed.toFixed(1),
      (speed / perSecond(control)).toFixed(2),
      figures.failed,
    ]);
  }
  out(table.toString());
  const twice = await answer(place, 'merging', LINES, 2, []);
  out(
    `merging, apart: of ${LINES} lines with every prompt twice, ${twice.merged} were not asked; ${(twice.ms / 1000).toFixed(1)} s`,
  );
}

function perSecond({ outputTokens, ms }: Figures): number {
  return outputTokens / (ms / 1000);
}

/** Runs the program on a file of `lines` lines, each prompt `times` times. */
async function answer(
  place: string,
  name: string,
  lines: number,
  times: number,
  more: readonly string[],
): Promise<Figures> {
  const requests = Array.from({ length: lines }, (_, line) => ({
    prompt: `Case ${name}, ${Math.floor(line / times)}: tell what a test of a parser of kind ${Math.floor(line / times) * 7} should check.`,
    maxTokens: ANSWER_TOKENS,
    temperature: 0,
    seed: 1,
  }));
  const input = path.join(place, `${name}.jsonl`);
  const output = path.join(place, `${name}.out.jsonl`);
  await writeFile(input, requests.map((request) => `${JSON.stringify(request)}\n`).join(''));
  const args = [BIN, 'route', 'batch', input, '-o', output, '--json', '--quiet', ...more];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: place });
  const { elapsedMs, failed } = summarySchema.parse(JSON.parse(stdout));
  const written = (await readFile(output, 'utf8')).trim().split('\n');
  const answers = written.map((line) => lineSchema.parse(JSON.parse(line)));
  return {
    ms: elapsedMs,
    failed,
    merged: answers.filter(({ sameAs }) => sameAs !== undefined).length,
    outputTokens: answers.reduce((sum, { answer: of }) => sum + (of.usage.outputTokens ?? 0), 0),
  };
}

async function startVllm(venv: string, file: string, folder: string): Promise<ServerProcess> {
  const weights = path.join(folder, 'weights');
  await writeWeights(venv, file, weights);
  const port = await freePort();
  return startProcess({
    command: path.join(venv, 'bin', 'vllm'),
    args: [
      'serve',
      weights,
      ...flags({
        'served-model-name': MODEL,
        host: '127.0.0.1',
        port: `${port}`,
        'max-model-len': `${CONTEXT_TOKENS}`,
        'max-num-seqs': `${AT_ONCE}`,
        dtype: 'bfloat16',
        'enforce-eager': true,
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
}
