import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startModelServer, type ModelServer } from '../routing/model-server.ts';
import { runCli, type CliResult } from './run-cli.ts';
import { TemporaryFolders } from './temporary-folders.ts';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

const PROMPT = 'Write 3 tests for mergeIntervals.';
const ALIKE = 'Write 5 tests for mergeIntervals.';

let cwd: string;
let server: ModelServer;
beforeEach(async () => {
  cwd = await folders.make();
  server = await startModelServer('near');
  configure({ cache: 'on' });
});

const run = (...args: string[]): Promise<CliResult> => runCli(args, { cwd });

function configure(patterns: object, routing: object = {}): void {
  const servers = { near: { kind: 'openai-compatible', url: server.url } };
  const config = { servers, tiers: { orchestrated: 'near:m' }, patterns, routing };
  writeFileSync(path.join(cwd, 'aqe-llm.config.json'), JSON.stringify(config));
}

async function importLines(...lines: object[]): Promise<void> {
  const text = lines.map((line) => JSON.stringify(line)).join('\n');
  writeFileSync(path.join(cwd, 'in.jsonl'), text);
  expect((await run('curate', 'import', 'in.jsonl')).stderr).not.toContain('error');
}

const answerSchema = z.object({
  text: z.string(),
  tier: z.string(),
  target: z.string(),
  policy: z.string(),
  decision: z.object({ reasons: z.array(z.string()) }),
});

async function route(prompt: string, ...more: string[]): Promise<z.output<typeof answerSchema>> {
  const { stdout, stderr } = await run('route', prompt, '--json', ...more);
  const parsed = answerSchema.safeParse(JSON.parse(stdout));
  if (!parsed.success) throw new Error(`${stdout}\n${stderr}`);
  return parsed.data;
}

const listSchema = z.object({
  total: z.int(),
  patterns: z.array(
    z.looseObject({ id: z.string(), prompt: z.string(), uses: z.int(), verified: z.string() }),
  ),
});

async function list(...filter: string[]): Promise<z.output<typeof listSchema>> {
  return listSchema.parse(JSON.parse((await run('curate', 'list', '--json', ...filter)).stdout));
}

const verified = { id: 'kept', prompt: PROMPT, answer: 'from memory', verified: 'review' };

describe('route with a memory', () => {
  it('answers the same prompt without asking anybody, and says why', async () => {
    await importLines({ ...verified, confidence: 0.9 });
    const found = await route(PROMPT);
    expect(found).toMatchObject({
      text: 'from memory',
      tier: 'orchestrated',
      target: 'memory:kept',
      policy: 'memory',
    });
    expect(found.decision.reasons).toContain('Memory has a verified answer to this very prompt.');
    expect(server.chats).toEqual([]);
    expect((await list()).patterns).toMatchObject([{ id: 'kept', uses: 1 }]);

    const explained = await run('route', 'explain', PROMPT);
    expect(explained.stdout).toContain('memory:kept');
    expect((await list()).patterns).toMatchObject([{ id: 'kept', uses: 1 }]);
    const history = await run('route', 'history');
    expect(history.stdout).toContain('memory:kept');
  });

  it('asks where a number differs, and shows what is near', async () => {
    await importLines(verified);
    const { text, policy } = await route(ALIKE);
    expect(text).toBe(`near: ${ALIKE}`);
    expect(policy).not.toBe('memory');
    const [[system] = []] = server.chats;
    expect(system?.role).toBe('system');
    expect(system?.content).toContain('[pattern kept, ');
    expect(system?.content).toContain('approved in review');
    expect(system?.content).toContain('from memory');

    configure({ cache: 'on', augment: false });
    await route('Write 7 tests for mergeIntervals.');
    expect(server.chats[1]?.map(({ role }) => role)).toEqual(['user']);
  });

  it('remembers what a model answered, and does not use it before somebody has verified it', async () => {
    await route(PROMPT);
    const learned = await list('--unverified');
    expect(learned.patterns).toMatchObject([
      {
        prompt: PROMPT,
        answer: `near: ${PROMPT}`,
        confidence: 0.5,
        provenance: { source: 'route', target: 'near:m' },
      },
    ]);
    expect((await route(PROMPT)).target).toBe('near:m');
    expect(server.chats).toHaveLength(2);
    expect(server.chats[1]).toHaveLength(1);
    expect((await list()).total).toBe(1);
  });

  it('only writes down in shadow what it would have done', async () => {
    configure({ cache: 'shadow' });
    await importLines(verified);
    expect((await route(PROMPT)).text).toBe(`near: ${PROMPT}`);
    expect(server.chats[0]).toHaveLength(1);
    const learned = z
      .object({ recalls: z.unknown() })
      .parse(JSON.parse((await run('curate', 'learn', '--json', '--dry-run')).stdout));
    expect(learned.recalls).toMatchObject({ lookups: 1, hits: 1 });
  });

  it.each([
    ['another scope', [], { scope: { repository: 'shop' } }],
    ['a session', ['--session', 's'], {}],
    ['a pinned model', ['--model', 'near:m'], {}],
    ['room for fewer tokens', ['--max-tokens', '1'], { answer: 'words '.repeat(50) }],
    ['no time left', [], { expiresAt: '2020-01-01T00:00:00Z' }],
    ['a quarantine', [], { quarantine: 'wrong' }],
    ['nobody’s word', [], { verified: 'no' }],
  ])('keeps its answer for %s', async (_why, flags, change) => {
    await importLines({ ...verified, ...change });
    expect((await route(PROMPT, ...flags)).target).toBe('near:m');
  });

  it('answers in the scope that the request names', async () => {
    await importLines({ ...verified, scope: { repository: 'shop' } });
    expect((await route(PROMPT, '--scope', 'repository=shop')).target).toBe('memory:kept');
  });

  it('remembers nothing of private requests, and answers them', async () => {
    await importLines(verified);
    expect((await route(PROMPT, '--private')).target).toBe('memory:kept');
    expect((await route('Which lock is this?', '--private')).target).toBe('near:m');
    expect((await list()).total).toBe(1);
  });
});
