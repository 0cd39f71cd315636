import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { runCli, type CliResult } from './run-cli.ts';
import { TemporaryFolders } from './temporary-folders.ts';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

let cwd: string;
beforeEach(async () => {
  cwd = await folders.make();
});

const curate = (...args: string[]): Promise<CliResult> => runCli(['curate', ...args], { cwd });
const write = (name: string, lines: readonly unknown[]): void =>
  writeFileSync(
    path.join(cwd, name),
    lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'),
  );

const LINES = [
  {
    id: 'merge',
    prompt: 'Write 3 tests for mergeIntervals.',
    answer: 'a',
    confidence: 0.9,
    uses: 4,
  },
  { id: 'again', prompt: 'Please write 3 tests for mergeIntervals.', answer: 'a', confidence: 0.6 },
  { id: 'other', prompt: 'Write 5 tests for mergeIntervals.', answer: 'b', scope: { tenant: 't' } },
  { id: 'flaky', prompt: 'Why does the login test fail now and then?', answer: 'c' },
];

describe('curate', () => {
  test('imports, lists, and exports what a second store imports with the same content', async () => {
    write('in.jsonl', LINES);
    const imported = await curate('import', 'in.jsonl', '--json');
    expect(imported.exitCode).toBe(0);
    expect(JSON.parse(imported.stdout)).toMatchObject({ added: 4, known: 0, total: 4 });
    const again = await curate('import', 'in.jsonl', '--json');
    expect(JSON.parse(again.stdout)).toMatchObject({ added: 0, known: 4, total: 4 });

    const list = await curate('list', '--below', '0.7', '--json');
    expect(JSON.parse(list.stdout)).toMatchObject({
      total: 3,
      embedder: 'embedded:all-minilm-l6-v2',
      dimension: 384,
      patterns: [{ id: 'flaky', category: 'flaky-detection' }, { id: 'other' }, { id: 'again' }],
    });
    const inScope = await curate('list', '--scope', 'tenant=u', '--json');
    expect(JSON.parse(inScope.stdout)).toMatchObject({ total: 3 });
    expect((await curate('list')).stdout).toContain('Write 3 tests for mergeIntervals.');

    const first = await curate('export', 'out.jsonl', '--vectors', '--json');
    const summary = z
      .object({ patterns: z.literal(4), sha256: z.string() })
      .parse(JSON.parse(first.stdout));
    const elsewhere = ['--state', 'elsewhere'];
    expect((await curate('import', 'out.jsonl', ...elsewhere)).exitCode).toBe(0);
    const second = await curate('export', 'back.jsonl', '--vectors', '--json', ...elsewhere);
    expect(JSON.parse(second.stdout)).toMatchObject(summary);
    expect(readFileSync(path.join(cwd, 'back.jsonl'), 'utf8')).toBe(
      readFileSync(path.join(cwd, 'out.jsonl'), 'utf8'),
    );
  });

  test('names every problem of a bad file with its line and changes nothing', async () => {
    const lines: unknown[] = Array.from({ length: 10_000 }, (_, number) => ({
      id: `p${number}`,
      prompt: `prompt ${number}`,
      answer: 'a',
    }));
    lines[9998] = '{"prompt": "cut off';
    lines[4] = { prompt: '', answer: 'a', confidence: 2, colour: 'red' };
    lines[6] = { id: 'p1', prompt: 'b', answer: 'b' };
    write('bad.jsonl', lines);
    const { exitCode, stderr, stdout } = await curate('import', 'bad.jsonl');
    expect(exitCode).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain('bad.jsonl:9999: no JSON');
    expect(stderr).toContain('bad.jsonl:5 prompt: expected some text');
    expect(stderr).toContain('bad.jsonl:5 confidence');
    expect(stderr).toContain('colour');
    expect(stderr).toContain('bad.jsonl:7 id: p1 stands at bad.jsonl:2 already');
    expect(existsSync(path.join(cwd, '.aqe-llm'))).toBe(false);
  });

  test("refuses another embedder's vectors, wrong dimensions and what is no number", async () => {
    const embedding = { embedder: 'embedded:all-minilm-l6-v2', vector: [1, 2] };
    write('bad.jsonl', [
      { prompt: 'a', answer: 'a', embedding },
      { prompt: 'b', answer: 'b', embedding: { ...embedding, embedder: 'ollama:x' } },
      '{"prompt": "c", "answer": "c", "embedding": {"embedder": "e", "vector": [NaN]}}',
    ]);
    const unparsed = await curate('import', 'bad.jsonl');
    expect(unparsed.exitCode).toBe(2);
    expect(unparsed.stderr).toContain('bad.jsonl:3: no JSON');
    write('bad.jsonl', [
      { prompt: 'a', answer: 'a', embedding },
      { prompt: 'b', answer: 'b', embedding: { ...embedding, embedder: 'ollama:x' } },
    ]);
    const { exitCode, stderr } = await curate('import', 'bad.jsonl');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('bad.jsonl:1 embedding.vector: The vector has 2 dimensions');
    expect(stderr).toContain('bad.jsonl:2 embedding.embedder: a vector of ollama:x');
    expect(JSON.parse((await curate('list', '--json')).stdout)).toMatchObject({ total: 0 });
  });

  test('reads CSV, and says the line of what is wrong there', async () => {
    write('in.csv', [
      'prompt,answer,confidence,scope.repository',
      '"Write tests',
      'for it","expect(1)",0.8,shop',
      'b,b,,',
    ]);
    expect((await curate('import', 'in.csv')).stdout).toBe('2 patterns added; 2 in all.\n');
    const list = await curate('list', '--text', 'for it', '--json');
    expect(JSON.parse(list.stdout)).toMatchObject({
      patterns: [{ prompt: 'Write tests\nfor it', confidence: 0.8, scope: { repository: 'shop' } }],
    });
    write('bad.csv', ['prompt,answer,uses', 'a,a,many']);
    const bad = await curate('import', 'bad.csv');
    expect(bad.exitCode).toBe(2);
    expect(bad.stderr).toContain('bad.csv:2 uses');
  });

  test('learn runs what nobody has verified, and keeps what is wrong from use', async () => {
    const module = [
      'Write tests for this module, clamp.ts:',
      '```ts',
      'export function clamp(value: number, low: number, high: number): number {',
      '  if (low > high) throw new RangeError("empty range");',
      '  if (value < low) return low;',
      '  return value > high ? high : value;',
      '}',
      '```',
    ].join('\n');
    const tests = (low: number): string =>
      [
        '```ts',
        "import { expect, it } from 'vitest';",
        "import { clamp } from './clamp';",
        `it('low', () => expect(clamp(-5, ${low}, 3)).toBe(1));`,
        "it('high', () => expect(clamp(5, 1, 3)).toBe(3));",
        "it('inside', () => { expect(clamp(2, 1, 3)).toBe(2); expect(clamp(1, 1, 3)).toBe(1); });",
        "it('empty', () => expect(() => clamp(2, 3, 1)).toThrow(/empty range/));",
        "it('point', () => expect(clamp(2, 1, 1)).toBe(1));",
        '```',
      ].join('\n');
    write('in.jsonl', [
      { id: 'right', prompt: module, answer: tests(1), category: 'test-generation' },
      { id: 'wrong', prompt: module, answer: tests(0), category: 'test-generation' },
      { id: 'weak', prompt: module, answer: weakTests(), category: 'test-generation' },
      { id: 'talk', prompt: 'What is a mutant?', answer: 'A change.', category: 'code-review' },
    ]);
    await curate('import', 'in.jsonl');
    const learned = await curate('learn', '--json');
    expect(JSON.parse(learned.stdout)).toMatchObject({
      judged: { right: 1, wrong: 1, unknown: 2 },
      calibration: { outcomes: 0 },
      recalls: { lookups: 0 },
    });
    // The weak one says the same as the right one, which stays.
    const list = await curate('list', '--json');
    expect(JSON.parse(list.stdout)).toMatchObject({
      patterns: [
        { id: 'talk', verified: 'no' },
        { id: 'wrong', verified: 'no', quarantine: 'wrong when it was run' },
        { id: 'right', verified: 'execution' },
      ],
    });
    const again = await curate('learn');
    expect(again.stdout).toContain('1 unverified answer: 0 right when run');
    expect(again.stdout).toContain('Nothing was looked up yet.');
  });

  test('learn merges what says the same, and nothing that differs in a number', async () => {
    write('in.jsonl', LINES);
    await curate('import', 'in.jsonl');
    const dry = await curate('learn', '--dry-run', '--json');
    expect(JSON.parse(dry.stdout)).toMatchObject({
      merges: [{ kept: 'merge', gone: 'again' }],
      left: 4,
    });
    const { stdout } = await curate('learn');
    expect(stdout).toContain('1 near-duplicate merged; 3 left.');
    const list = await curate('list', '--json');
    expect(list.stdout).toContain('"id":"other"');
    expect(list.stdout).not.toContain('"id":"again"');
  });

  test('leaves a database of a newer version as it is: exit 2, and named', async () => {
    write('in.jsonl', LINES);
    await curate('import', 'in.jsonl');
    const database = new Sqlite(path.join(cwd, '.aqe-llm', 'state.sqlite'));
    const version = Number(database.pragma('user_version', { simple: true }));
    database.pragma('user_version = 99');
    for (const command of [['list'], ['import', 'in.jsonl'], ['learn'], ['export', 'out.jsonl']]) {
      const { exitCode, stdout, stderr } = await curate(...command);
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
      expect(stderr).toContain('was written by a newer version of aqe-llm');
      expect(stderr).toContain('hint:');
    }
    database.pragma(`user_version = ${version}`);
    database.close();
    expect(JSON.parse((await curate('list', '--json')).stdout)).toMatchObject({ total: 4 });
  });

  test('migrate names a file that is none of AgentDB, and steps out of turn: exit 2', async () => {
    write('notes.txt', ['no database']);
    for (const [words, named] of [
      [['start', 'absent.db'], 'absent.db cannot be opened'],
      [['start', 'notes.txt'], 'notes.txt cannot be opened'],
      [['start'], 'Which file is it?'],
      [['compare'], 'No migration is under way'],
      [['finish'], 'No migration is under way'],
    ] as const) {
      const { exitCode, stderr } = await curate('migrate', ...words);
      expect(exitCode).toBe(2);
      expect(stderr).toContain(named);
    }
    expect((await curate('migrate')).stdout).toContain('No migration is under way.');
  });

  test('a file that is not there, an unknown scope, an unwritable target: exit 2 and a hint', async () => {
    const absent = await curate('import', 'absent.jsonl');
    expect(absent.exitCode).toBe(2);
    expect(absent.stderr).toContain('hint:');
    expect((await curate('list', '--scope', 'colour=red')).exitCode).toBe(2);
    expect((await curate('export', 'no/such/folder.jsonl')).exitCode).toBe(2);
  });
});

/** They pass, and would with nearly any module. */
function weakTests(): string {
  return [
    '```ts',
    "import { expect, it } from 'vitest';",
    "import { clamp } from './clamp';",
    "it('is there', () => expect(clamp).toBeTypeOf('function'));",
    '```',
  ].join('\n');
}
