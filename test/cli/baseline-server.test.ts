import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/storage/database.ts';
import { listen } from '../contracts/loopback.ts';
import { readReport } from './report-schema.ts';
import { runCli } from './run-cli.ts';
import { TemporaryFolders } from './temporary-folders.ts';
import { buildTinySuite } from './tiny-suite.ts';

const folders = new TemporaryFolders();
let suite: string;
beforeAll(async () => {
  suite = await buildTinySuite(await folders.make());
});
afterAll(() => folders.remove());

const ANSWER = [
  { choices: [{ index: 0, delta: { content: 'No tests ' }, finish_reason: null }] },
  { choices: [{ index: 0, delta: { content: 'today.' }, finish_reason: 'stop' }] },
  { choices: [], usage: { prompt_tokens: 40, completion_tokens: 5, total_tokens: 45 } },
];

/** A server that speaks what vLLM documents; `chat` answers each request for an answer. */
function vllm(chat: (response: ServerResponse, nth: number) => void) {
  let asked = 0;
  const server = createServer((request: IncomingMessage, response) => {
    request.resume();
    if (request.url === '/v1/chat/completions') return chat(response, (asked += 1));
    const known: Record<string, unknown> = {
      '/v1/models': { data: [{ id: 'tiny', owned_by: 'vllm', max_model_len: 8192 }] },
      '/version': { version: '0.32.0' },
    };
    const body = known[request.url ?? ''];
    response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' });
    return response.end(JSON.stringify(body ?? {}));
  });
  return { server, asked: () => asked };
}

function answer(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const chunk of ANSWER) response.write(`data: ${JSON.stringify(chunk)}\n\n`);
  response.end('data: [DONE]\n\n');
}

async function project(url: string): Promise<string> {
  const cwd = await folders.make();
  const config = { servers: { farm: { kind: 'openai-compatible', url } } };
  await writeFile(path.join(cwd, 'aqe-llm.config.json'), JSON.stringify(config));
  return cwd;
}

/** What the ledger holds, by purpose and outcome. */
function attemptsIn(cwd: string): unknown[] {
  const database = openDatabase(path.join(cwd, '.aqe-llm'));
  const rows = database
    .prepare(
      `SELECT purpose, outcome, count(*) AS n, sum(input_tokens) AS input,
         count(DISTINCT pair) AS pairs, count(DISTINCT session) AS sessions
       FROM attempts JOIN attempt_kinds k ON k.id = kind GROUP BY 1, 2 ORDER BY 2`,
    )
    .all();
  database.close();
  return rows;
}

const run = (cwd: string, ...args: string[]) => runCli(['baseline', ...args, '--json'], { cwd });

describe("a server's model as the candidate", () => {
  it('is asked again after a failure that passes, and judged', async () => {
    const { server, asked } = vllm((response, nth) => {
      if (nth > 1) return answer(response);
      response.writeHead(503, { 'content-type': 'application/json' });
      return response.end(JSON.stringify({ error: { message: 'busy', type: 'overloaded' } }));
    });
    const listening = await listen(server);
    try {
      const cwd = await project(listening.url);
      const { exitCode, stdout } = await run(cwd, '--suite', suite, '--candidate', 'farm:tiny');
      expect(exitCode).toBe(1);
      const { candidate, verdict } = readReport(stdout);
      expect(verdict.state).toBe('fail');
      expect(candidate.id).toBe('farm:tiny');
      expect(candidate.tasks.map((task) => task.state)).toEqual(['graded', 'graded', 'graded']);
      expect(candidate.latencyMs.measured).toBe(3);
      expect(asked()).toBe(4);
      expect(attemptsIn(cwd)).toEqual([
        { purpose: 'baseline', outcome: 'ok', n: 3, input: 120, pairs: 3, sessions: 1 },
        { purpose: 'baseline', outcome: 'overloaded', n: 1, input: null, pairs: 1, sessions: 1 },
      ]);
      const again = await run(cwd, '--suite', suite, '--candidate', 'replay:farm:tiny');
      expect(readReport(again.stdout).candidate.latencyMs).toMatchObject({ measured: 0 });
      expect(asked()).toBe(4);
    } finally {
      await listening.close();
    }
  });

  it('that refuses the key stops the run, and says what to do', async () => {
    const { server, asked } = vllm((response) => {
      response.writeHead(401, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: { message: 'Unauthorized', type: 'auth' } }));
    });
    const listening = await listen(server);
    try {
      const cwd = await project(listening.url);
      const { exitCode, stdout } = await run(cwd, '--suite', suite, '--candidate', 'farm:tiny');
      expect(exitCode).toBe(2);
      expect(JSON.parse(stdout)).toMatchObject({
        error: { code: 'provider.auth', hint: expect.stringContaining('apiKeyEnv') },
      });
      expect(asked()).toBe(1);
    } finally {
      await listening.close();
    }
  });

  it('of a server that nobody named is refused', async () => {
    const cwd = await folders.make();
    const { exitCode, stdout } = await run(cwd, '--suite', suite, '--candidate', 'nowhere:tiny');
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'baseline.unknown-side', hint: expect.stringContaining('ollama:<model>') },
    });
  });
});
