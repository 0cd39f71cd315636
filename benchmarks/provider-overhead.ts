import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import type { Clock } from '../src/core/clock.ts';
import { quantile } from '../src/core/statistics.ts';
import { createOpenAiCompatibleProvider } from '../src/providers/openai-compatible/openai-compatible-provider.ts';

const WARM_UP = 500;
const ROUNDS = 3000;
/** Pieces of text in the answer. */
const PIECES = 8;
const MODEL = 'bench';

const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
};

/**
 * A whole answer through our provider beside a bare undici request that reads the same stream from
 * the same server, turn about in one run. Promise: less than 0.3 ms added at the median.
 */
export async function run(out: (line: string) => void): Promise<void> {
  const server = createServer((request, response) => {
    if (request.url === '/v1/models') {
      const model = { id: MODEL, owned_by: 'vllm', max_model_len: 32_768 };
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ data: [model] }));
    } else if (request.url === '/v1/chat/completions') {
      request.resume();
      request.on('end', () => {
        response.writeHead(200, { 'content-type': 'text/event-stream' }).end(ANSWER);
      });
    } else {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const url = `http://127.0.0.1:${portOf(server.address())}`;
  const provider = createOpenAiCompatibleProvider({
    id: `bench:${MODEL}`,
    model: MODEL,
    url,
    clock,
    deadlines: { connectMs: 5000, firstTokenMs: 180_000, idleMs: 60_000, totalMs: 900_000 },
  });
  const pool = new Pool(url);
  try {
    const ours: number[] = [];
    const bare: number[] = [];
    const rounds = { ours: () => throughProvider(provider), bare: () => throughUndici(pool) };
    for (let round = -WARM_UP; round < ROUNDS; round++) {
      // Whoever comes second finds a warmer processor: they take turns at that as well.
      const order = round % 2 === 0 ? (['ours', 'bare'] as const) : (['bare', 'ours'] as const);
      for (const name of order) {
        const started = performance.now();
        await rounds[name]();
        const ms = performance.now() - started;
        if (round >= 0) (name === 'ours' ? ours : bare).push(ms);
      }
    }
    const of = summary(ours);
    const control = summary(bare);
    out(`complete() of the provider   ${words(of)} (n = ${ROUNDS})`);
    out(`bare undici (control)        ${words(control)} (n = ${ROUNDS})`);
    out(
      `added                        ${words({ p50: of.p50 - control.p50, p99: of.p99 - control.p99 })}; promised: p50 below 0.3 ms`,
    );
  } finally {
    await provider.shutdown();
    await pool.destroy();
    server.closeAllConnections();
    server.close();
  }
}

function event(choice: object, more: object = {}): string {
  const chunk = { id: 'c', object: 'chat.completion.chunk', created: 1, model: MODEL };
  return `data: ${JSON.stringify({ ...chunk, choices: [{ index: 0, ...choice }], ...more })}\n\n`;
}

const ANSWER = [
  event({ delta: { role: 'assistant', content: '' }, finish_reason: null }),
  ...Array.from({ length: PIECES }, (_, i) =>
    event({ delta: { content: ` word${i}` }, finish_reason: null }),
  ),
  event(
    { delta: {}, finish_reason: 'stop' },
    { usage: { prompt_tokens: 30, completion_tokens: 8 } },
  ),
  'data: [DONE]\n\n',
].join('');

const MESSAGES = [{ role: 'user' as const, content: 'Write a unit test for a stack.' }];

async function throughProvider(
  provider: ReturnType<typeof createOpenAiCompatibleProvider>,
): Promise<void> {
  const request = { messages: MESSAGES, maxTokens: 64, temperature: 0, seed: 1, repeat: 0 };
  const { usage } = await provider.complete(request);
  if (usage.outputTokens !== PIECES) throw new Error('not the whole answer');
}

async function throughUndici(pool: Pool): Promise<void> {
  const { body } = await pool.request({
    method: 'POST',
    path: '/v1/chat/completions',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: MODEL, messages: MESSAGES, max_tokens: 64, stream: true }),
  });
  if (!(await body.text()).endsWith('data: [DONE]\n\n')) throw new Error('not the whole answer');
}

function summary(times: readonly number[]): { p50: number; p99: number } {
  const sorted = times.toSorted((a, b) => a - b);
  return { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) };
}

function words({ p50, p99 }: { p50: number; p99: number }): string {
  return `p50 ${p50.toFixed(3)} ms, p99 ${p99.toFixed(3)} ms`;
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
