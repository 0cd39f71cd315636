import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BIN } from '../../cli/run-cli.ts';
import type { Gateway } from '../gateway/process.ts';
import { SIGNS } from './counting-server.ts';

export const CLAUDE = 'claude-sonnet-5-5';
export const LOCAL = 'local';
/** How prompts begin that are answered by Claude and by the local model beside it. */
export const SHADOWED = 'shadowed';
const TARGETS = [`farm:${LOCAL}`, `anthropic:${CLAUDE}`] as const;
const ENDINGS = ['', SIGNS.refuseOnce, SIGNS.break, SIGNS.slow] as const;
/** After the server has the request: what it has said until then has long come through. */
const LEAVE_MS = 2000;
/** Nobody waits for ever for a request to come through. */
const MOST_MS = 60_000;

/**
 * Asks the gateway in every way in which a request may go: in one piece and as a stream, answered,
 * refused and tried again, broken off, and left by its client; of both models, by agents and in sessions.
 * @param isServed whether the model server has begun with a prompt: nobody leaves before
 */
export async function askAll(
  { url }: Gateway,
  rounds: number,
  isServed: (prompt: string) => boolean,
): Promise<number> {
  let asked = 0;
  for (let round = 0; round < rounds; round++) {
    const asking: Promise<void>[] = [];
    for (const model of TARGETS) {
      for (const ending of ENDINGS) {
        for (const stream of [true, false]) {
          asked += 1;
          asking.push(
            ask(url, {
              model,
              stream,
              prompt: `round ${round}, ${model}: say it ${stream ? 'bit by bit' : 'at once'} ${ending}`,
              headers: {
                'x-aqe-agent': `qe-agent-${round % 3}`,
                'x-aqe-session': `s-${round}-${model}-${ending}-${stream}`,
                'x-aqe-category': round % 2 === 0 ? 'test-generation' : 'code-review',
              },
              ...(ending === SIGNS.slow ? { leavesAfter: isServed } : {}),
            }),
          );
        }
      }
    }
    await Promise.all(asking);
  }
  return asked;
}

/** Requests that the rollout sends to Claude and, beside the answer, to the local model. */
export async function askShadowed({ url }: Gateway, count: number): Promise<void> {
  for (let number = 0; number < count; number++) {
    await ask(url, { model: 'auto', stream: number % 2 === 0, prompt: `${SHADOWED} ${number}` });
  }
}

export async function embed({ url }: Gateway, count: number): Promise<void> {
  for (let number = 0; number < count; number++) {
    const answer = await fetch(`${url}/v1/embeddings`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: TARGETS[0], input: [`text ${number}`, 'another'] }),
    });
    await answer.text();
  }
}

/** Requests that may wait, in a provider's own batch. */
export async function askInBatch(folder: string, count: number, env: Env): Promise<string> {
  const lines = Array.from({ length: count }, (_, number) =>
    JSON.stringify({ id: `b${number}`, prompt: `In a batch: what is ${number} times ${number}?` }),
  );
  await writeFile(path.join(folder, 'in.jsonl'), `${lines.join('\n')}\n`);
  const args = ['route', 'batch', 'in.jsonl', '-o', 'out.jsonl', '--when-convenient'];
  return runBin([...args, '--config', 'batch.config.json'], folder, env);
}

interface Asked {
  model: string;
  stream: boolean;
  prompt: string;
  headers?: Record<string, string>;
  /** The client goes away soon after this holds for its prompt. */
  leavesAfter?: (prompt: string) => boolean;
}

async function ask(url: string, asked: Asked): Promise<void> {
  const { model, stream, prompt, headers = {}, leavesAfter } = asked;
  const leaving = new AbortController();
  const body = { model, stream, messages: [{ role: 'user', content: prompt }] };
  try {
    if (leavesAfter !== undefined) void leave(leaving, () => leavesAfter(prompt));
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      signal: leaving.signal,
    });
    await answer.text();
  } catch {
    // It left, or the answer broke off: the ledger is asked, not the client.
  }
}

async function leave(leaving: AbortController, isServed: () => boolean): Promise<void> {
  const giveUp = performance.now() + MOST_MS;
  while (!isServed() && performance.now() < giveUp) await sleep(20);
  await sleep(LEAVE_MS);
  leaving.abort();
}

export type Env = Readonly<Record<string, string>>;

/** Runs the built program; returns what it printed. @throws Error where it fails */
export async function runBin(args: readonly string[], folder: string, env: Env): Promise<string> {
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (printed += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  await once(child, 'close');
  if (child.exitCode === 0) return printed;
  throw new Error(`aqe-llm ${args.join(' ')} exited with ${child.exitCode}:\n${printed}${said}`);
}
