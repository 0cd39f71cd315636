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
/** What a client waits for the first piece, and then a little. */
const LEAVE_MS = 300;

/**
 * Asks the gateway in every way in which a request may go: in one piece and as a stream, answered,
 * refused and tried again, broken off, and left by its client; of both models, by agents and in sessions.
 */
export async function askAll({ url }: Gateway, rounds: number): Promise<number> {
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
              leaves: ending === SIGNS.slow,
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
  /** Whether the client goes away soon. */
  leaves?: boolean;
}

async function ask(url: string, asked: Asked): Promise<void> {
  const { model, stream, prompt, headers = {}, leaves = false } = asked;
  const leaving = new AbortController();
  const body = { model, stream, messages: [{ role: 'user', content: prompt }] };
  try {
    const answered = fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      signal: leaving.signal,
    });
    // Whoever does not stream has nothing to wait for.
    if (leaves && !stream) void sleep(LEAVE_MS * 4).then(() => leaving.abort());
    const answer = await answered;
    if (leaves) void sleep(LEAVE_MS).then(() => leaving.abort());
    await answer.text();
  } catch {
    // It left, or the answer broke off: the ledger is asked, not the client.
  }
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
