import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { z } from 'zod';
import { modelFile } from '../../benchmarks/model-file.ts';
import { startLlamaServer } from '../../benchmarks/llama-server.ts';
import { createRuntime } from '../../src/runtime.ts';
import { BIN } from '../cli/run-cli.ts';
import { fleetPrompt, PROMPTS } from './rollout/fleet.ts';
import { locateServer } from './servers.ts';

const BIG = 'qwen2.5-coder-1.5b-instruct';
const SMALL = 'qwen2.5-coder-0.5b-instruct';
/** Requests that the fleet has under way at once. */
const AGENTS = 2;
/** Small answers: two slow cores write them. */
const MAX_TOKENS = 120;
/** Minutes for each rollout; `AQE_LLM_TEST_MINUTES` says another number. */
const MINUTES = Number(process.env['AQE_LLM_TEST_MINUTES'] ?? 20);
/** Requests of each rollout, at most. */
const MOST_ASKED = 400;
const SHOW_EVERY = 5;

/** Asks for little, so that it is over in a quarter of an hour: the margin is wide, and so is α. */
const PLAN = {
  name: 'a small rollout for two slow cores',
  reference: 'cloud',
  candidate: 'direct',
  steps: [
    { name: 'shadow', serve: 0, compare: 100, pairs: 20, requests: 20, days: 0 },
    { name: 'half', serve: 50, compare: 100, pairs: 20, requests: 20, days: 0 },
  ],
  quality: { margin: 0.25, hard: 0.6 },
  errors: { most: 0.1, hard: 0.5 },
  latency: { sloMs: 240_000, share: 0.1 },
  cost: null,
  alpha: 0.1,
  minimum: 15,
  shadow: { concurrency: 2, timeoutMs: 300_000 },
  advance: 'auto',
};

interface Case {
  what: string;
  candidate: string;
  /** Ends that prove it. */
  expected: readonly string[];
}

const CASES: readonly Case[] = [
  {
    what: `${SMALL} in the place of ${BIG}`,
    candidate: SMALL,
    // Held: still in the shadow, with nothing served.
    expected: ['rolled_back', 'shadow'],
  },
  {
    what: `${BIG} on a second server in the place of itself`,
    candidate: BIG,
    expected: ['completed'],
  },
];

/**
 * Two real rollouts: the gateway under a scripted fleet's load, real llama-servers on one core each,
 * answers graded by running them. Nobody says advance and nobody says rollback.
 */
export async function run(out: (line: string) => void): Promise<boolean> {
  const binary = await locateServer('AQE_LLM_TEST_LLAMA_SERVER');
  if (binary === undefined) {
    out('AQE_LLM_TEST_LLAMA_SERVER is not set: no llama-server, no proof');
    return false;
  }
  let held = true;
  for (const each of CASES) held = (await proveCase(each, binary, out)) && held;
  return held;
}

async function proveCase(
  { what, candidate, expected }: Case,
  binary: string,
  out: (line: string) => void,
): Promise<boolean> {
  out(`${what}; at most ${MINUTES} min and ${MOST_ASKED} requests`);
  const folder = await mkdtemp(path.join(tmpdir(), 'aqe-rollout-real-'));
  const runtime = await createRuntime({ cwd: folder, env: process.env, flags: {} });
  const started: { stop(): Promise<void> }[] = [];
  const serve = async (model: string): Promise<string> => {
    const file = await modelFile(runtime, model);
    const options = { binary, file, model, slots: AGENTS, contextTokens: 1024 };
    const server = await startLlamaServer(options);
    started.push(server);
    return server.url;
  };
  let gateway: Gateway | undefined;
  try {
    const config = {
      servers: {
        today: { kind: 'openai-compatible', url: await serve(BIG) },
        tomorrow: { kind: 'openai-compatible', url: await serve(candidate) },
      },
      tiers: { direct: `tomorrow:${candidate}`, cloud: `today:${BIG}` },
      routing: { failoverMs: 600_000 },
      breaker: { latencyMs: 600_000 },
    };
    await writeFile(path.join(folder, 'aqe-llm.config.json'), JSON.stringify(config));
    await writeFile(path.join(folder, 'rollout.json'), JSON.stringify(PLAN));
    await cli(folder, 'rollout', 'start', 'rollout.json', '--reason', what);
    gateway = await startGateway(folder);
    const state = await drive(gateway, folder, out);
    const { stdout } = await cli(folder, 'rollout', 'status');
    for (const line of stdout.trimEnd().split('\n')) out(`  ${line}`);
    const verified = await cli(folder, 'rollout', 'history', '--verify');
    out(`  ${verified.stdout.trim()}`);
    const isRight = expected.includes(state);
    out(
      `  ended ${state}: ${isRight ? 'as it should' : `FAIL, expected ${expected.join(' or ')}`}`,
    );
    return isRight && verified.code === 0;
  } finally {
    await gateway?.stop();
    for (const server of started) await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

const viewSchema = z.object({
  rollout: z.object({
    state: z.string(),
    serve: z.number(),
    evidence: z
      .object({
        quality: z.object({ pairs: z.int(), lower: z.number(), upper: z.number().nullable() }),
        guardrails: z.array(z.object({ id: z.string(), value: z.number().optional() })),
      })
      .optional(),
  }),
});
const ENDS = new Set(['completed', 'rolled_back', 'aborted']);

/** The fleet asks until the rollout is over, or the time or the number of its requests is. */
async function drive(
  { url }: Gateway,
  folder: string,
  out: (line: string) => void,
): Promise<string> {
  const began = performance.now();
  const until = began + MINUTES * 60_000;
  const left = new AbortController();
  const fleet = { asked: 0, failed: 0, served: 0 };

  async function agent(): Promise<void> {
    while (!left.signal.aborted && fleet.asked < MOST_ASKED) {
      const number = fleet.asked;
      fleet.asked += 1;
      const answer = await ask(url, number, left.signal).catch(() => undefined);
      if (left.signal.aborted) return;
      if (answer === undefined) fleet.failed += 1;
      else if (answer === 'direct') fleet.served += 1;
      // What is compared runs beside; a fleet that never waits would only have it dropped.
      await sleep(250, undefined, { signal: left.signal }).catch(() => {});
    }
  }

  const agents = Promise.all(Array.from({ length: AGENTS }, agent));
  let state = 'shadow';
  let shown = -1;
  try {
    while (performance.now() < until && fleet.asked < MOST_ASKED) {
      const { rollout } = await view(folder);
      state = rollout.state;
      const pairs = rollout.evidence?.quality.pairs ?? 0;
      const mark = Math.floor(pairs / SHOW_EVERY) + 1000 * rollout.serve;
      if (mark !== shown || ENDS.has(state)) {
        shown = mark;
        const { lower, upper } = rollout.evidence?.quality ?? { lower: 0, upper: null };
        const value = rollout.evidence?.guardrails.find(({ id }) => id === 'quality')?.value;
        const minutes = (performance.now() - began) / 60_000;
        out(
          `  ${minutes.toFixed(1)} min, ${state} ${rollout.serve} %: ${pairs} comparisons, quality ${share(value)} (${share(lower)} to ${share(upper)}), ${fleet.asked} asked, ${fleet.served} served by the candidate, ${fleet.failed} failed`,
        );
      }
      if (ENDS.has(state)) break;
      await sleep(3000);
    }
  } finally {
    left.abort();
    await agents;
  }
  return state;
}

function share(value: number | null | undefined): string {
  return value === null || value === undefined ? '–' : `${(value * 100).toFixed(0)} %`;
}

/** Who answered. */
async function ask(url: string, number: number, signal: AbortSignal): Promise<string> {
  const answer = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    signal,
    headers: {
      'content-type': 'application/json',
      'x-aqe-category': 'test-generation',
      'x-aqe-agent': `qe-test-generator-${number % AGENTS}`,
    },
    body: JSON.stringify({
      model: 'auto',
      max_tokens: MAX_TOKENS,
      temperature: 0,
      messages: [{ role: 'user', content: fleetPrompt(number % PROMPTS) }],
    }),
  });
  await answer.text();
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.headers.get('x-aqe-tier') ?? '';
}

async function view(folder: string): Promise<z.output<typeof viewSchema>> {
  const { stdout } = await cli(folder, 'rollout', 'status', '--json');
  return viewSchema.parse(JSON.parse(stdout));
}

async function cli(folder: string, ...args: string[]): Promise<{ stdout: string; code: number }> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [BIN, ...args], { cwd: folder });
    return { stdout, code: 0 };
  } catch (error) {
    const { stdout, code } = z.object({ stdout: z.string(), code: z.int() }).parse(error);
    // A rollout that was rolled back says so with its exit code.
    if (code === 3) return { stdout, code };
    throw error;
  }
}

interface Gateway {
  url: string;
  stop(): Promise<void>;
}

async function startGateway(folder: string): Promise<Gateway> {
  const child: ChildProcess = spawn(
    process.execPath,
    [BIN, 'route', 'serve', '--port', '0', '--json'],
    { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const closed = once(child, 'close');
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  while (!text.includes('\n') && child.exitCode === null) await sleep(100);
  const { url } = z.object({ url: z.string() }).parse(JSON.parse(text.split('\n')[0] ?? ''));
  return {
    url,
    stop: async () => {
      child.kill('SIGTERM');
      await closed;
    },
  };
}
