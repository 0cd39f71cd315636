import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { quantile } from '../src/core/statistics.ts';
import type { Provider } from '../src/providers/provider.ts';
import { openServer } from '../src/providers/open-server.ts';
import { createRuntime } from '../src/runtime.ts';
import { startLlamaServer } from '../test/contracts/servers/llama-server.ts';
import { startOllama } from '../test/contracts/servers/ollama.ts';
import type { ServerProcess } from '../test/contracts/servers/process.ts';
import { modelFile } from './model-file.ts';

const MODEL = 'qwen2.5-coder-0.5b-instruct';
const ROUNDS = 12;
const ANSWER_TOKENS = 48;
const NEVER_LATE = 600_000;

interface Figures {
  ttftMs: number[];
  tokensPerSecond: number[];
}

/**
 * The embedded engine beside llama-server and Ollama: the same file, prompts and threads (one), in
 * turns. Promise: at least 0.95 of the best of them in tokens per second and to the first token.
 * The servers are the programs that AQE_LLM_TEST_LLAMA_SERVER and AQE_LLM_TEST_OLLAMA name.
 */
export async function run(out: (line: string) => void): Promise<void> {
  const state = await mkdtemp(path.join(tmpdir(), 'aqe-engine-'));
  const { env } = process;
  const runtime = await createRuntime({ cwd: state, env, flags: { threads: 1 } });
  const file = await modelFile(runtime, MODEL);
  const started: ServerProcess[] = [];
  const sides: Record<string, Provider> = {
    embedded: runtime.openEmbedded({ id: MODEL, path: file }),
  };
  const serve = async (
    name: string,
    kind: 'ollama' | 'openai-compatible',
    server: Promise<ServerProcess>,
  ): Promise<void> => {
    const process = await server;
    started.push(process);
    const deadlines = {
      connectMs: NEVER_LATE,
      firstTokenMs: NEVER_LATE,
      idleMs: NEVER_LATE,
      totalMs: NEVER_LATE,
    };
    sides[name] = await openServer(
      { name, model: MODEL, server: { kind, url: process.url }, cachePrompt: false },
      { deadlines, env, clock: runtime.clock },
    );
  };
  try {
    const { AQE_LLM_TEST_LLAMA_SERVER: llamaServer, AQE_LLM_TEST_OLLAMA: ollama } = env;
    if (llamaServer === undefined && ollama === undefined) {
      out('no control: AQE_LLM_TEST_LLAMA_SERVER and AQE_LLM_TEST_OLLAMA name no program');
    }
    if (llamaServer !== undefined) {
      await serve('llama-server', 'openai-compatible', startLlamaServer(llamaServer, file, MODEL));
    }
    if (ollama !== undefined) await serve('ollama', 'ollama', startOllama(ollama, file, MODEL));
    await compare(sides, out);
  } finally {
    for (const provider of Object.values(sides)) await provider.shutdown();
    for (const server of started) await server.stop();
    await rm(state, { recursive: true, force: true });
  }
}

async function compare(
  sides: Readonly<Record<string, Provider>>,
  out: (line: string) => void,
): Promise<void> {
  const names = Object.keys(sides);
  const figures = new Map<string, Figures>(
    names.map((name) => [name, { ttftMs: [], tokensPerSecond: [] }]),
  );
  // Round −1 loads the model and counts for nothing. Every other round goes the other way about.
  for (let round = -1; round < ROUNDS; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const answer = await sides[name]?.complete({
        messages: [{ role: 'user', content: prompt(round) }],
        maxTokens: ANSWER_TOKENS,
        temperature: 0,
        seed: 1,
        repeat: 0,
      });
      const { ttftMs, totalMs } = answer?.timing ?? {};
      if (round < 0 || ttftMs === undefined || totalMs === undefined) continue;
      const tokens = answer?.usage.outputTokens ?? 0;
      figures.get(name)?.ttftMs.push(ttftMs);
      figures.get(name)?.tokensPerSecond.push(((tokens - 1) * 1000) / (totalMs - ttftMs));
    }
  }
  for (const [name, { ttftMs, tokensPerSecond }] of figures) {
    out(
      `${name}: ${median(tokensPerSecond).toFixed(1)} tokens/s, first token ${median(ttftMs).toFixed(0)} ms (medians of ${ROUNDS}, 1 of ${availableParallelism()} cores)`,
    );
  }
  const [ours, ...controls] = figures.values();
  if (ours === undefined || controls.length === 0) return;
  // Each round against its own controls: the machine's speed changes from one minute to the next.
  const speeds = ours.tokensPerSecond.map(
    (ourSpeed, round) =>
      ourSpeed / Math.max(...controls.map((it) => at(it.tokensPerSecond, round))),
  );
  const firsts = ours.ttftMs.map(
    (ourTtft, round) => Math.min(...controls.map((it) => at(it.ttftMs, round))) / ourTtft,
  );
  out(
    `embedded beside the best of each round: ${range(speeds)} of its tokens/s, ${range(firsts)} of its speed to the first token (median and quartiles; promise: 0.95)`,
  );
}

function at(values: readonly number[], round: number): number {
  return values[round] ?? NaN;
}

function sorted(values: readonly number[]): number[] {
  return values.toSorted((a, b) => a - b);
}

function median(values: readonly number[]): number {
  return quantile(sorted(values), 0.5);
}

function range(values: readonly number[]): string {
  const [low, middle, high] = [0.25, 0.5, 0.75].map((q) => quantile(sorted(values), q).toFixed(2));
  return `${middle} (${low}–${high})`;
}

/** About 90 tokens, different from the first word on; llama-server is asked without its prompt cache. */
function prompt(round: number): string {
  const rules = Array.from(
    { length: 5 },
    (_, rule) => `Rule ${rule}: remember ${rule * 7 + round}.`,
  );
  return `Case ${round}. Write a TypeScript function that merges overlapping ranges, and explain every line of it. ${rules.join(' ')}`;
}
