import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { runCli, type CliResult } from './run-cli.ts';
import { TemporaryFolders } from './temporary-folders.ts';
import { hasTmux, openPane, type Pane } from './tmux.ts';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

const LINES = [
  {
    id: 'intervals',
    prompt: 'Write 3 tests for mergeIntervals.',
    answer: 'first line\nsecond line',
    confidence: 0.3,
  },
  { id: 'five', prompt: 'Write 5 tests for mergeIntervals.', answer: 'five', confidence: 0.4 },
  { id: 'flaky', prompt: 'Why does the login test fail?', answer: 'It waits.', confidence: 0.5 },
  { id: 'slug', prompt: 'Review slug.ts.', answer: 'Bad \u001B[31mred', confidence: 0.6 },
  { id: 'sure', prompt: 'What is a mutant?', answer: 'A change.', confidence: 0.9 },
];

let cwd: string;
beforeEach(async () => {
  cwd = await folders.make();
  const text = LINES.map((line) => JSON.stringify(line)).join('\n');
  writeFileSync(path.join(cwd, 'in.jsonl'), text);
  expect((await curate('import', 'in.jsonl')).exitCode).toBe(0);
});

const curate = (...args: string[]): Promise<CliResult> => runCli(['curate', ...args], { cwd });

const patternSchema = z.looseObject({
  id: z.string(),
  answer: z.string(),
  verified: z.string(),
  confidence: z.number(),
  quarantine: z.string().optional(),
});

async function patterns(): Promise<Map<string, z.output<typeof patternSchema>>> {
  const list = JSON.parse((await curate('list', '--json')).stdout);
  const { patterns: all } = z.object({ patterns: z.array(patternSchema) }).parse(list);
  return new Map(all.map((pattern) => [pattern.id, pattern]));
}

/** An editor that does what the script says with the file `$1`. */
function editor(script: string): string {
  const file = path.join(cwd, 'editor.sh');
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

const review = (env: Record<string, string> = {}): Pane => openPane(cwd, ['curate'], env);

describe.skipIf(!hasTmux)('curate review in a terminal', () => {
  it('shows, explains, compares, and keeps each decision', async () => {
    const pane = review({ EDITOR: editor('printf "mended\\n" > "$1"') });
    await pane.shows(/1 of 4 · test-generation · confidence 0\.30 · intervals/);
    await pane.shows(/first line[\s\S]*Nobody has verified[\s\S]*Neighbours[\s\S]*Write 5 tests/);
    pane.enter('x');
    await pane.shows(/posterior\s+Beta\(2\.4, 5\.6\)/);
    pane.enter('d');
    await pane.shows(/-Write 3 tests[\s\S]*\+Write 5 tests[\s\S]*-first line/);
    pane.enter('e');
    await pane.shows(/-second line[\s\S]*\+mended[\s\S]*Keep it\?/);
    pane.enter('y');
    await pane.shows(/2 of 4 .* five/);
    pane.enter('a');
    await pane.shows(/3 of 4 .* flaky/);
    pane.enter('r it waits for nothing');
    await pane.shows(/4 of 4 .* slug/);
    expect(pane.screen()).toContain('Bad \uFFFD[31mred');
    pane.enter('u');
    await pane.shows(/Taken back: reject of flaky\.[\s\S]*3 of 4 .* flaky/);
    pane.enter('5');
    await pane.shows(/4 of 4 .* slug[\s\S]*4 of 4 .* slug/);
    pane.enter('s');
    await pane.shows(/1 approved, 1 edited, 1 rated, 1 skipped; 1 left\./);
    expect(await pane.exitCode()).toBe(0);
    const after = await patterns();
    expect(after.get('intervals')).toMatchObject({ answer: 'mended\n', verified: 'review' });
    expect(after.get('five')).toMatchObject({ verified: 'review', confidence: 0.7 });
    expect(after.get('flaky')).toMatchObject({ verified: 'review', confidence: 0.75 });
    expect(after.get('slug')).toMatchObject({ verified: 'no', confidence: 0.6 });
  });

  it('goes on where it was left', async () => {
    const pane = review();
    await pane.shows(/1 of 4 .* intervals/);
    pane.enter('a');
    await pane.shows(/2 of 4 .* five/);
    pane.enter('s');
    await pane.shows(/3 of 4 .* flaky/);
    pane.press('C-d');
    expect(await pane.exitCode()).toBe(0);
    const again = review();
    await again.shows(/1 of 3 .* flaky/);
    again.enter('a');
    await again.shows(/2 of 3 .* slug/);
    again.enter('a');
    await again.shows(/3 of 3 .* five/);
    again.enter('q');
    expect(await again.exitCode()).toBe(0);
  });

  it('names an editor that fails, changes nothing, and says so with exit code 2', async () => {
    const pane = review({ EDITOR: editor('printf "half" > "$1"; exit 3') });
    await pane.shows(/1 of 4 .* intervals/);
    pane.enter('e');
    await pane.shows(/editor\.sh ended with code 3; nothing was changed[\s\S]*a approve/);
    pane.enter('a');
    await pane.shows(/2 of 4/);
    pane.enter('q');
    expect(await pane.exitCode()).toBe(2);
    expect((await patterns()).get('intervals')).toMatchObject({
      answer: 'first line\nsecond line',
      verified: 'review',
    });
  });

  it('keeps what was decided when the terminal closes, and does not stay', async () => {
    const pane = review();
    await pane.shows(/1 of 4 .* intervals/);
    pane.enter('a');
    await pane.shows(/2 of 4 .* five/);
    await pane.close();
    expect(await pane.exitCode()).toBe(2);
    const after = await patterns();
    expect(after.get('intervals')).toMatchObject({ verified: 'review' });
    expect(after.get('five')).toMatchObject({ verified: 'no' });
  });

  it('changes nothing when the terminal closes under an editor', async () => {
    const started = path.join(cwd, 'started');
    const pane = review({ EDITOR: editor(`printf "half" > "$1"; touch '${started}'; sleep 2`) });
    await pane.shows(/1 of 4 .* intervals/);
    pane.enter('e');
    await expect.poll(() => existsSync(started), { timeout: 20_000 }).toBe(true);
    await pane.close();
    expect((await patterns()).get('intervals')).toMatchObject({ verified: 'no' });
  });

  it('keeps every decision when it is killed, and goes on there', async () => {
    const pane = review();
    await pane.shows(/1 of 4 .* intervals/);
    pane.enter('a');
    await pane.shows(/2 of 4 .* five/);
    pane.enter('r');
    await pane.shows(/3 of 4 .* flaky/);
    pane.kill();
    expect(await pane.exitCode()).toBe(128 + 9);
    const again = review();
    await again.shows(/1 of 2 .* flaky/);
    again.enter('u');
    await again.shows(/Taken back: reject of five\.[\s\S]*1 of 3 .* five/);
    again.enter('q');
    expect(await again.exitCode()).toBe(0);
    expect((await patterns()).get('five')).toMatchObject({ confidence: 0.4 });
  });
});

describe('curate review elsewhere', () => {
  const read = (file: string): Record<string, unknown>[] =>
    readFileSync(path.join(cwd, file), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => z.record(z.string(), z.unknown()).parse(JSON.parse(line)));
  const write = (file: string, lines: readonly object[]): void =>
    writeFileSync(path.join(cwd, file), lines.map((line) => JSON.stringify(line)).join('\n'));

  it('goes to a file and comes back', async () => {
    const written = await curate('review', '--to', 'review.jsonl');
    expect(written.stdout).toContain('4 patterns in review.jsonl');
    const lines = read('review.jsonl');
    expect(lines[0]).toMatchObject({
      action: '',
      id: 'intervals',
      confidence: 0.3,
      neighbours: [{ id: 'five' }, {}, {}],
    });
    const decided = [
      { ...lines[0], action: 'edit', answer: 'mended' },
      { ...lines[1], action: 'rate', rating: 1, note: 'useless' },
      { ...lines[2], action: 'reject', note: 'wrong' },
      lines[3] ?? {},
    ];
    write('review.jsonl', decided);
    const back = await curate('review', '--from', 'review.jsonl', '--json');
    expect(JSON.parse(back.stdout)).toMatchObject({ edit: 1, rate: 1, reject: 1, left: 1 });
    const after = await patterns();
    expect(after.get('intervals')).toMatchObject({ answer: 'mended', verified: 'review' });
    expect(after.get('five')).toMatchObject({ confidence: 0.2, verified: 'no' });
    expect(after.get('flaky')).toMatchObject({ quarantine: 'rejected in review: wrong' });

    const twice = await curate('review', '--from', 'review.jsonl');
    expect(twice.exitCode).toBe(2);
    expect(twice.stderr).toContain('review.jsonl:1 updatedAt: the pattern has changed since');
  });

  it('names every problem of such a file and takes nothing in', async () => {
    await curate('review', '--to', 'review.jsonl');
    const lines = read('review.jsonl');
    write('review.jsonl', [
      { ...lines[0], action: 'approve' },
      { ...lines[1], action: 'rate' },
      { ...lines[2], action: 'edit' },
      { id: 'nobody', action: 'approve' },
      { ...lines[0], action: 'praise' },
      { ...lines[3], action: 'approve', answer: 'other' },
    ]);
    const { exitCode, stderr } = await curate('review', '--from', 'review.jsonl');
    expect(exitCode).toBe(2);
    for (const problem of [
      ':2 rating: expected a whole number',
      ':3 answer: is the same as before',
      ':4 id: there is no pattern nobody',
      ':5 action: ',
      ':6 answer: was changed',
    ]) {
      expect(stderr).toContain(`review.jsonl${problem}`);
    }
    expect((await patterns()).get('intervals')).toMatchObject({ verified: 'no' });
  });

  it('says what to do without a terminal', async () => {
    const { exitCode, stderr } = await runCli(['curate'], { cwd, stdin: '' });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--to');
  });
});
