import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
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

describe('a recording', () => {
  it('holds a side’s answers, is taken up where it was left, and is a reference like any other', async () => {
    const { server, asked } = vllm((response, nth) => {
      if (nth !== 3) return answer(response);
      response.writeHead(400, { 'content-type': 'application/json' });
      return response.end(JSON.stringify({ error: { message: 'bad', type: 'invalid' } }));
    });
    const listening = await listen(server);
    try {
      const cwd = await project(listening.url);
      const record = (...more: string[]) =>
        run(cwd, 'record', 'farm:tiny', '--suite', suite, '--out', 'farm.jsonl', ...more);
      const first = await record();
      expect(first.exitCode).toBe(4);
      expect(JSON.parse(first.stdout)).toMatchObject({ answers: 2, errors: 1 });
      // A line that was cut off, as by a full disk, is dropped.
      await appendFile(path.join(cwd, 'farm.jsonl'), '{"task": "cut o');
      const before = asked();
      const second = await record();
      expect(second.exitCode).toBe(0);
      expect(JSON.parse(second.stdout)).toMatchObject({
        provider: 'farm:tiny',
        answers: 3,
        errors: 0,
      });
      expect(asked()).toBe(before + 1);
      const lines = (await readFile(path.join(cwd, 'farm.jsonl'), 'utf8')).trim().split('\n');
      expect(lines).toHaveLength(4);
      expect(JSON.parse(lines[0] ?? '')).toMatchObject({
        schema: 'aqe-llm/recording@1',
        provider: 'farm:tiny',
        suite: 'tiny',
      });

      const sides = ['--candidate', 'replay:gold', '--reference', 'replay:farm.jsonl'];
      const judged = await run(cwd, '--suite', suite, ...sides);
      const { reference, verdict } = readReport(judged.stdout);
      expect(reference).toMatchObject({
        id: 'replay:farm:tiny',
        latencyMs: { measured: 0, cached: 3 },
        costUsd: 0,
      });
      // Prose is worth nothing, so the ratio says nothing.
      expect(verdict.state).toBe('inconclusive');
      expect(asked()).toBe(before + 1);

      for (const [args, says] of [
        [['--seed', '5'], /no answer to 3 of 3 questions .*clamp #1.*/],
        [['--temperature', '1'], /recorded with temperature 0\.2; this run has 1/],
        [['--repeat', '2'], /no answer to 3 of 6 questions/],
      ] as const) {
        const refused = await run(cwd, '--suite', suite, ...sides, ...args);
        expect(refused.exitCode).toBe(2);
        expect(JSON.parse(refused.stdout)).toMatchObject({
          error: { code: 'baseline.other-recording', message: expect.stringMatching(says) },
        });
      }
      const other = await record('--seed', '5');
      expect(JSON.parse(other.stdout)).toMatchObject({
        error: { code: 'baseline.other-recording' },
      });
    } finally {
      await listening.close();
    }
  });

  it('is of a live side, in a file that replay knows, and no other file', async () => {
    const cwd = await project('http://127.0.0.1:9');
    const bad = path.join(cwd, 'bad.jsonl');
    await writeFile(bad, 'no header\n');
    for (const [args, code] of [
      [['record', 'replay:gold', '--out', 'a.jsonl'], 'baseline.unknown-side'],
      [['record', 'farm:tiny', '--out', 'a.txt'], 'usage.recording-name'],
      [['--reference', 'replay:absent.jsonl'], 'baseline.bad-recording'],
      [['--reference', 'replay:bad.jsonl'], 'baseline.bad-recording'],
    ] as const) {
      const { exitCode, stdout } = await run(
        cwd,
        ...args,
        '--suite',
        suite,
        ...(args[0] === 'record' ? [] : ['--candidate', 'replay:gold']),
      );
      expect(exitCode).toBe(2);
      expect(JSON.parse(stdout)).toMatchObject({ error: { code } });
    }
  });
});

describe('a limit of cost', () => {
  it('is refused where the price is not known, before anything is asked', async () => {
    const { server, asked } = vllm(answer);
    const listening = await listen(server);
    try {
      const cwd = await folders.make();
      const farm = { kind: 'openai-compatible', url: listening.url, private: false };
      const config = JSON.stringify({ servers: { farm } });
      await writeFile(path.join(cwd, 'aqe-llm.config.json'), config);
      const args = ['--suite', suite, '--candidate', 'farm:tiny', '--max-cost', '5'];
      const { exitCode, stdout } = await run(cwd, ...args);
      expect(exitCode).toBe(2);
      expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'baseline.unpriced' } });
      expect(asked()).toBe(0);
    } finally {
      await listening.close();
    }
  });
});

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
      expect(candidate).toMatchObject({ errorRetries: 1, costUsd: 0 });
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
