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

const MODEL = 'qwen2.5-coder-0.5b-instruct';
const ROUNDS = 5;
const ANSWER_TOKENS = 64;
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
  const file = await modelFile(runtime);
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
  const figures = new Map<string, Figures>();
  // Round −1 loads the model and counts for nothing.
  for (let round = -1; round < ROUNDS; round++) {
    for (const [name, provider] of Object.entries(sides)) {
      const { usage, timing } = await provider.complete({
        messages: [{ role: 'user', content: prompt(round) }],
        maxTokens: ANSWER_TOKENS,
        temperature: 0,
        seed: 1,
        repeat: 0,
      });
      const { ttftMs, totalMs } = timing;
      if (round < 0 || ttftMs === undefined || totalMs === undefined) continue;
      const of = figures.get(name) ?? { ttftMs: [], tokensPerSecond: [] };
      of.ttftMs.push(ttftMs);
      of.tokensPerSecond.push((((usage.outputTokens ?? 0) - 1) * 1000) / (totalMs - ttftMs));
      figures.set(name, of);
    }
  }
  const median = (values: readonly number[]): number =>
    quantile(
      [...values].sort((a, b) => a - b),
      0.5,
    );
  const rows = [...figures].map(([name, of]) => ({
    name,
    ttftMs: median(of.ttftMs),
    tokensPerSecond: median(of.tokensPerSecond),
  }));
  for (const { name, ttftMs, tokensPerSecond } of rows) {
    out(
      `${name}: ${tokensPerSecond.toFixed(1)} tokens/s, first token ${ttftMs.toFixed(0)} ms (medians of ${ROUNDS}, 1 of ${availableParallelism()} cores)`,
    );
  }
  const [ours, ...controls] = rows;
  if (ours === undefined || controls.length === 0) return;
  const fastest = Math.max(...controls.map((row) => row.tokensPerSecond));
  const first = Math.min(...controls.map((row) => row.ttftMs));
  out(
    `embedded beside the best: ${(ours.tokensPerSecond / fastest).toFixed(2)} of its tokens/s, ${(first / ours.ttftMs).toFixed(2)} of its speed to the first token (promise: 0.95)`,
  );
}

/** About 90 tokens, different from the first word on; llama-server is asked without its prompt cache. */
function prompt(round: number): string {
  const rules = Array.from(
    { length: 5 },
    (_, rule) => `Rule ${rule}: remember ${rule * 7 + round}.`,
  );
  return `Case ${round}. Write a TypeScript function that merges overlapping ranges, and explain every line of it. ${rules.join(' ')}`;
}

async function modelFile(runtime: Awaited<ReturnType<typeof createRuntime>>): Promise<string> {
  const wanted = await runtime.wantModel(MODEL);
  if (wanted.kind === 'file') return wanted.path;
  const signal = new AbortController().signal;
  for await (const event of runtime.provideModel(wanted, { signal })) {
    if (event.type === 'finished') return event.path;
  }
  throw new Error('the model is not here');
}
