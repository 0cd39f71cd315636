import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startModelServer, type ModelServer, type Mood } from '../routing/model-server.ts';
import { runCli, type CliOptions, type CliResult } from './run-cli.ts';
import { TemporaryFolders } from './temporary-folders.ts';

const answerSchema = z.strictObject({
  requestId: z.string(),
  text: z.string(),
  tier: z.enum(['direct', 'orchestrated', 'cloud']),
  target: z.string(),
  model: z.string(),
  policy: z.string(),
  finishReason: z.string(),
  usage: z.strictObject({
    inputTokens: z.number().nullable(),
    outputTokens: z.number().nullable(),
    cachedInputTokens: z.number().nullable(),
    cacheWriteTokens: z.number().nullable(),
  }),
  usd: z.number().nullable(),
  ttftMs: z.number().nullable(),
  totalMs: z.number(),
  overheadMs: z.number(),
  attempts: z.number(),
  dropped: z.number(),
  decision: z.looseObject({ policy: z.string(), ladder: z.array(z.unknown()).min(1) }),
});
const folders = new TemporaryFolders();
let cwd: string;
beforeEach(async () => {
  cwd = await folders.make();
});
afterAll(() => folders.remove());

/** A project whose two local tiers are servers of these moods. */
async function project(first: Mood = 'well', second: Mood = 'well', more: object = {}) {
  const servers: Record<'near' | 'far', ModelServer> = {
    near: await startModelServer('near', first),
    far: await startModelServer('far', second),
  };
  const kind = 'openai-compatible';
  await configure({
    servers: { near: { kind, url: servers.near.url }, far: { kind, url: servers.far.url } },
    tiers: { direct: 'near:m', orchestrated: 'far:m' },
    ...more,
  });
  return servers;
}

async function configure(config: object): Promise<void> {
  await writeFile(path.join(cwd, 'aqe-llm.config.json'), JSON.stringify(config));
}

const route = (args: string[], options: Partial<CliOptions> = {}): Promise<CliResult> =>
  runCli(['route', ...args], { cwd, ...options });
const idOf = ({ stderr }: CliResult): string => / id (\w{12})$/m.exec(stderr)?.[1] ?? 'none';

describe('route', () => {
  it('prints the answer alone on standard output and ends with what it took', async () => {
    await project();
    const { exitCode, stdout, stderr } = await route(['Say hello.']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'near: Say hello.\n' });
    expect(stderr).toMatch(
      /^direct · near:m · [\d,]+ ms \(first token [\d,]+\) · 10 → 3 tokens · \$0\.0000 · policy \S+ · id \w{12}\n$/,
    );
    const quiet = await route(['Say hello.', '-q']);
    expect(quiet).toEqual({ exitCode: 0, stdout: 'near: Say hello.\n', stderr: '' });
  });

  it('gives one JSON object', async () => {
    await project();
    const { exitCode, stdout, stderr } = await route(['Hi', '--json', '--max-tokens', '9']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const answer = answerSchema.parse(JSON.parse(stdout));
    expect(answer).toMatchObject({ text: 'near: Hi', tier: 'direct', target: 'near:m' });
    expect(answer).toMatchObject({ attempts: 1, dropped: 0, usd: 0, finishReason: 'stop' });
    expect(answer.usage).toMatchObject({ inputTokens: 10, outputTokens: 2 });
  });

  it('says in one line who failed before somebody answered', async () => {
    await project('missing');
    const { exitCode, stdout, stderr } = await route(['Hi']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'far: Hi\n' });
    expect(stderr).toMatch(/^failover: near:m model-missing after \d+ ms, then far:m answered\n/);
    expect(stderr).toMatch(/\norchestrated · far:m · /);
    const { stdout: drawn } = await route(['explain', idOf({ exitCode, stdout, stderr })]);
    expect(drawn).toMatch(/ 1 ✗ direct +near:m · model-missing\n {2}2 ✓ orchestrated +far:m\n/);
  });

  it('fails with the reason where nobody answers', async () => {
    await project('missing', 'missing');
    const { exitCode, stdout, stderr } = await route(['Hi']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(
      /^failover: near:m model-missing .* then far:m model-missing .* then nobody answered\nerror: /,
    );
    const json = await route(['Hi', '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ error: { code: 'provider.model-missing' } });
  });

  it('says that the cloud was asked in an emergency', async () => {
    await project('missing', 'well', {
      tiers: { direct: 'near:m', orchestrated: 'near:m', cloud: 'far:m' },
      routing: { cloud: 'emergency-only', emergency: { localFailures: 1 } },
    });
    const asked = await route(['Hi']);
    expect(asked).toMatchObject({ exitCode: 0, stdout: 'far: Hi\n' });
    expect(asked.stderr).toMatch(/^emergency: far:m was asked .* emergencies only \(.+\)$/m);
    const { stdout } = await route(['explain', idOf(asked)]);
    expect(stdout).toMatch(/2 ✓ cloud +far:m · in emergencies only\n/);
    expect(stdout).toMatch(/\n {2}emergency +\d+ ms after its begin: trigger .+, target far:m\n/);
  });

  it('says what came of a stream that broke', async () => {
    await project('cut');
    const { exitCode, stdout, stderr } = await route(['Hi']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: 'near: \n' });
    expect(stderr).toContain('error: ');
  });

  it('ends on an interrupt with 130 and what it took', async () => {
    const { near } = await project('hang');
    const interrupt = new AbortController();
    const ended = route(['Hi'], { signal: interrupt.signal });
    await expect.poll(() => near.chats.length, { timeout: 20_000 }).toBe(1);
    interrupt.abort(new Error('Interrupted.'));
    const { exitCode, stdout, stderr } = await ended;
    expect({ exitCode, stdout }).toEqual({ exitCode: 130, stdout: '' });
    expect(stderr).toMatch(/^cancelled · direct · near:m · /);
    const history = await route(['history', '--status', 'cancelled', '--json']);
    expect(JSON.parse(history.stdout)).toMatchObject({ requests: [{ state: 'cancelled' }] });
  });

  it('goes on with a session', async () => {
    const { near } = await project();
    await route(['One', '--session', 's', '--system', 'Be terse.']);
    await route(['Two', '--session', 's']);
    expect(near.chats.at(-1)?.map(({ role, content }) => `${role} ${content}`)).toEqual([
      'system Be terse.',
      'user One',
      'assistant near: One',
      'user Two',
    ]);
  });

  it('reads prompts and files', async () => {
    const { near } = await project();
    await writeFile(path.join(cwd, 'a.ts'), 'const a = `x`;');
    const last = (): unknown => near.chats.at(-1)?.at(-1)?.content;
    await route([], { stdin: 'Piped.\n' });
    expect(last()).toBe('Piped.\n');
    await route(['-', '--file', 'a.ts'], { stdin: 'Test:' });
    expect(last()).toBe('Test:\n\na.ts:\n```\nconst a = `x`;\n```');
    await route(['Review', '--file', '-'], { stdin: '```\nx\n```\n' });
    expect(last()).toBe('Review\n\n````\n```\nx\n```\n````');
  });

  it.each([
    [[''], '', 'route.prompt-empty'],
    [[], ' \n', 'route.prompt-empty'],
    [['-', '--file', '-'], 'x', 'usage.invalid-argument'],
    [['x', '--file', 'nosuch'], '', 'route.prompt-unreadable'],
    [['x', '--file', '.'], '', 'route.prompt-unreadable'],
    [['x', '--file', 'bytes'], '', 'route.prompt-not-text'],
    [[], 'x'.repeat(16 * 1024 * 1024 + 1), 'route.prompt-too-long'],
  ])('sends nothing where the prompt is none: %j', async (args, stdin, code) => {
    const { near } = await project();
    await writeFile(path.join(cwd, 'bytes'), Buffer.from([0xff, 0xfe, 0x00]));
    const { exitCode, stdout } = await route([...args, '--json'], { stdin });
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code } });
    expect(near.chats).toEqual([]);
  });

  it('shows a terminal nothing that drives it, and a pipe what there is', async () => {
    await project();
    const hostile = 'red \u001B[31m \u001B]0;title\u0007 end';
    expect((await route([hostile])).stdout).toBe(`near: ${hostile}\n`);
    const shown = await route([hostile], { terminal: 80, env: { NO_COLOR: '1', CI: '1' } });
    expect(shown.stdout).toBe('near: red   end\n');
    for (const line of shown.stderr.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });
});

describe('route explain', () => {
  it('draws where a prompt would go, and sends nothing', async () => {
    const { near, far } = await project();
    const { exitCode, stdout, stderr } = await route(['explain', 'Write tests for a parser.']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/^What it is\n {2}work /);
    expect(stdout).toMatch(/\nWho is asked\n {2}1 · direct +near:m\n {2}2 · orchestrated +far:m\n/);
    expect([...near.chats, ...far.chats]).toEqual([]);
    expect((await route(['history'])).stdout).toBe('No recorded request is like that.\n');
    const json = await route(['explain', 'Write tests.', '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({
      decision: { ladder: [{ spec: 'near:m' }, { spec: 'far:m' }] },
      breakers: { 'near:m': { state: 'closed' } },
    });
  });

  it('shows a breaker that is open', async () => {
    await project('missing', 'well', { breaker: { failures: 1, openMs: 600_000 } });
    await route(['Hi']);
    const { stdout } = await route(['explain', 'Hi there']);
    expect(stdout).toContain('near:m · its breaker is open, by error');
  });

  it('draws what became of a request, by the beginning of its id', async () => {
    await project('failing');
    const asked = await route([
      'Hi',
      '--private',
      '--agent',
      'qe-test-generator',
      '--session',
      's',
    ]);
    const id = idOf(asked);
    const { stdout } = await route(['explain', id.slice(0, 6)]);
    expect(stdout).toMatch(
      new RegExp(`^Request ${id}\n {2}came +\\d{4}-\\d\\d-\\d\\d .* from cli\n`),
    );
    expect(stdout).toContain('private, priority medium, session s, agent qe-test-generator');
    expect(stdout).toContain('near:m · overloaded, overloaded');
    expect(stdout).toMatch(/\nWhat happened\n(?:.*\n)+.*ok · \d+ ms \(first token/);
    for (const terminal of [80, 50]) {
      const narrow = await route(['explain', id], { terminal, env: { NO_COLOR: '1' } });
      for (const line of narrow.stdout.split('\n'))
        expect(line.length).toBeLessThanOrEqual(terminal);
    }
    const json = await route(['explain', id, '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({
      request: { id, state: 'answered' },
      events: [],
    });
  });

  it('knows no request of another id', async () => {
    await project();
    const { exitCode, stdout } = await route(['explain', '0000', '--json']);
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'route.unknown-request' } });
  });
});

describe('route history', () => {
  it('lists the newest first and filters', async () => {
    const { near } = await project();
    await route(['One', '--category', 'code-review', '--agent', 'a']);
    near.mood = 'missing';
    await route(['Two', '--session', 's']);
    const { stdout } = await route(['history'], { terminal: 120, env: { NO_COLOR: '1' } });
    const [head, ...rows] = stdout.trimEnd().split('\n');
    expect(head).toMatch(/^id +came +state +target +tier/);
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatch(/ answered +far:m +orchestrated /);
    expect(rows[1]).toMatch(/ answered +near:m +direct /);
    const count = async (...filter: string[]): Promise<number> => {
      const json = await route(['history', '--json', ...filter]);
      return z.object({ requests: z.array(z.unknown()) }).parse(JSON.parse(json.stdout)).requests
        .length;
    };
    expect(await count('--since', '1h')).toBe(2);
    expect(await count('--until', '1h')).toBe(0);
    expect(await count('--since', '2999-01-01')).toBe(0);
    expect(await count('--category', 'code-review')).toBe(1);
    expect(await count('--agent', 'a')).toBe(1);
    expect(await count('--session', 's')).toBe(1);
    expect(await count('--tier', 'orchestrated')).toBe(1);
    expect(await count('--target', 'near:m', '--status', 'answered,failed')).toBe(2);
    expect(await count('--source', 'chat')).toBe(0);
    expect(await count('--limit', '1')).toBe(1);
    for (const terminal of [80, 50]) {
      const narrow = await route(['history'], { terminal, env: { NO_COLOR: '1' } });
      for (const line of narrow.stdout.split('\n'))
        expect(line.length).toBeLessThanOrEqual(terminal);
    }
  });
});

describe('route chat', () => {
  it('takes each line of a pipe as a turn', async () => {
    const { near } = await project();
    const stdin = ['One', 'Two \\', 'three', '```', 'a', '', 'b', '```', '/nosuch', ''].join('\n');
    const { exitCode, stdout, stderr } = await route(['chat', '--session', 's'], { stdin });
    expect(exitCode).toBe(0);
    expect(stdout).toBe('near: One\nnear: Two \nthree\nnear: ```\na\n\nb\n```\n');
    expect(near.chats).toHaveLength(3);
    expect(near.chats.at(-1)).toHaveLength(5);
    expect(stderr).toContain('There is no /nosuch: /help says what there is.\n');
    expect(stderr).toMatch(/3 turns · 30 → \d+ tokens · \$0\.0000\nGo on with: .* --session s\n$/);
  });

  it('changes the model, and begins anew', async () => {
    const { near, far } = await project();
    const stdin =
      'One\n/model far:m\nTwo\n/new\n/private\nThree\n/explain\n/model x\n/help\n/exit\nFour\n';
    const { stdout, stderr } = await route(['chat'], { stdin });
    expect(stdout).toMatch(/^near: One\nfar: Two\nfar: Three\n$/);
    expect([near.chats.length, far.chats.at(-1)?.length]).toEqual([1, 1]);
    expect(stderr).toContain(
      'There is no x. There are:\n  auto\n  far:m (orchestrated)\n  near:m (direct)\n',
    );
    expect(stderr).toMatch(/asked for +private, priority medium, session \S+\n/);
    expect(stderr).toContain('/explain        how the last answer came about');
  });

  it('gives one JSON object', async () => {
    await project();
    const { stdout, stderr } = await route(['chat', '--json'], { stdin: 'One\nTwo\n' });
    const chat = z.strictObject({
      session: z.string(),
      turns: z.array(answerSchema).length(2),
      usd: z.literal(0),
    });
    expect(chat.parse(JSON.parse(stdout)).turns[1]?.text).toBe('near: Two');
    expect(stderr).toBe('');
  });

  it('fails where a turn of a pipe does', async () => {
    await project('missing', 'missing');
    const { exitCode, stdout } = await route(['chat', '--json'], { stdin: 'One\nTwo\n' });
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'provider.model-missing' } });
  });
});

describe('what is told of route', () => {
  it('names every option in its page', async () => {
    const page = await readFile(new URL('../../docs/route.md', import.meta.url), 'utf8');
    for (const words of [[], ['explain'], ['history'], ['chat']]) {
      const { stdout } = await route([...words, '--help']);
      const own = stdout.slice(0, stdout.indexOf('Global Options'));
      for (const [option] of own.matchAll(/(?<=^ +)--[a-z-]+/gm)) expect(page).toContain(option);
    }
  });
});
