import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { makeDataset, type Dataset } from '../../../src/patterns/dataset/dataset.ts';
import {
  balance,
  DATASET_CATEGORIES,
  groupsOf,
  SHARES,
  splitsOf,
  type Member,
} from '../../../src/patterns/dataset/groups.ts';
import { REDACTED, scrub } from '../../../src/patterns/dataset/scrub.ts';
import { writeDataset } from '../../../src/patterns/dataset/write-dataset.ts';
import type { Pattern } from '../../../src/patterns/pattern.ts';
import type { NewPattern } from '../../../src/patterns/store.ts';
import { openStore, temporaryFolder } from '../open-store.ts';
import { patternAt, SPACE, vectorAt } from '../samples.ts';

const FIT = { belief: { alpha: 9, beta: 1 }, uses: 5 };

function fitPattern(number: number, change: Partial<Pattern> = {}): NewPattern {
  const category = DATASET_CATEGORIES[number % 4] ?? 'code-review';
  return patternAt(number, { ...FIT, category, ...change });
}

async function datasetOf(patterns: readonly NewPattern[]): Promise<Dataset> {
  const { store } = openStore(temporaryFolder());
  store.add(patterns, SPACE);
  const { signal } = new AbortController();
  return makeDataset({ store, filter: {}, now: 2000, signal, onProgress: () => {} });
}

describe('a data set', () => {
  it('has what is sure and used enough, in the shares of the plan, 70/15/15', async () => {
    const patterns = Array.from({ length: 400 }, (_, number) => fitPattern(number));
    const { account, splits, sample } = await datasetOf([
      ...patterns,
      fitPattern(401, { uses: 2 }),
      fitPattern(402, { belief: { alpha: 7, beta: 3 } }),
      fitPattern(403, { quarantine: 'wrong' }),
      fitPattern(404, { expiresAt: 1999 }),
      fitPattern(405, { category: 'other' }),
    ]);
    expect(account).toMatchObject({ patterns: 405, unfit: 5, rows: 250, unbalanced: 150 });
    expect(account.byCategory).toEqual({
      'test-generation': 100,
      'coverage-analysis': 75,
      'flaky-detection': 50,
      'code-review': 25,
    });
    expect(splits.train.length).toBeGreaterThanOrEqual(173);
    expect(splits.train.length).toBeLessThanOrEqual(177);
    expect(sample).toHaveLength(100);
    expect(new Set(sample.map(({ id }) => id)).size).toBe(100);
  });

  it('has each question once, the surer answer, and no group on two sides', async () => {
    const same = { prompt: 'Write 3 tests for it.', category: 'code-review' } as const;
    const { pattern: asked } = fitPattern(0, { ...same, belief: { alpha: 8, beta: 2 } });
    const { pattern: again } = fitPattern(1, { ...same, answer: 'surer' });
    const { pattern: polite } = fitPattern(2, { ...same, prompt: 'Please write 3 tests for it.' });
    const { pattern: other } = fitPattern(3, { ...same, prompt: 'Write 4 tests for it.' });
    const vector = vectorAt(1);
    const { account, splits } = await datasetOf(
      [asked, again, polite, other].map((pattern) => ({ pattern, vector })),
    );
    const rows = [...splits.train, ...splits.validation, ...splits.test];
    expect(account).toMatchObject({ duplicates: 2, rows: 2 });
    expect(new Set(rows.map(({ group }) => group)).size).toBe(1);
    expect(Object.values(splits).filter(({ length }) => length > 0)).toHaveLength(1);
  });

  it('never tears a group apart, whatever the groups', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ at: fc.nat(40), repository: fc.option(fc.nat(5)) }), {
          minLength: 1,
          maxLength: 80,
        }),
        (drawn) => {
          const members = drawn.map(({ at, repository }, index): Member => {
            const scope = repository === null ? {} : { repository: `r${repository}` };
            const category = DATASET_CATEGORIES[at % 4] ?? 'code-review';
            const { pattern } = fitPattern(index, { scope });
            return { pattern: { ...pattern, category }, vector: vectorAt(at) };
          });
          const grouped = groupsOf(members);
          for (const one of grouped) {
            for (const other of grouped) {
              const isTogether =
                one.vector === other.vector ||
                (one.pattern.scope.repository !== undefined &&
                  one.pattern.scope.repository === other.pattern.scope.repository);
              if (isTogether) expect(one.group).toBe(other.group);
            }
          }
          const chosen = balance(grouped);
          const splits = splitsOf(chosen);
          const sides = new Map<string, string>();
          let count = 0;
          for (const [split, rows] of Object.entries(splits)) {
            for (const { group } of rows) {
              expect(sides.get(group) ?? split).toBe(split);
              sides.set(group, split);
              count += 1;
            }
          }
          expect(count).toBe(chosen.length);
          const present = new Set(grouped.map(({ pattern }) => pattern.category));
          const weight = [...present].reduce((sum, category) => sum + SHARES[category], 0);
          for (const category of present) {
            const n = chosen.filter(({ pattern }) => pattern.category === category).length;
            expect(Math.abs(n - (chosen.length * SHARES[category]) / weight)).toBeLessThan(2.1);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('is written as Parquet with a card, whole, and never over something', async () => {
    const dataset = await datasetOf(Array.from({ length: 80 }, (_, n) => fitPattern(n)));
    const folder = path.join(temporaryFolder(), 'set');
    await writeDataset(dataset, folder, 'set');
    const bytes = readFileSync(path.join(folder, 'data', 'train.parquet'));
    const rows = await parquetReadObjects({ file: new Uint8Array(bytes).buffer });
    expect(rows).toEqual(dataset.splits.train);
    const card = readFileSync(path.join(folder, 'README.md'), 'utf8');
    expect(card).toContain('  - split: train\n    path: data/train.parquet\n');
    expect(card).toMatch(new RegExp(`\\| train \\|.*\\| ${dataset.splits.train.length} \\|`));
    const sample = readFileSync(path.join(folder, 'review-sample.jsonl'), 'utf8');
    expect(sample.trimEnd().split('\n')).toHaveLength(dataset.sample.length);

    await expect(writeDataset(dataset, folder, 'set')).rejects.toMatchObject({
      code: 'patterns.exists',
    });
    const blocked = path.join(temporaryFolder(), 'file');
    writeFileSync(blocked, '');
    await expect(writeDataset(dataset, path.join(blocked, 'set'), 'set')).rejects.toMatchObject({
      code: 'patterns.unwritable',
    });
    const empty = path.join(temporaryFolder(), 'empty');
    mkdirSync(empty);
    await writeDataset(dataset, empty, 'empty');
    expect(existsSync(path.join(empty, 'README.md'))).toBe(true);
    expect(existsSync(`${empty}.part`)).toBe(false);
  });
});

describe('scrub', () => {
  const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGH';
  it.each([
    ['a GitHub token', `ghp_${letters}12`.slice(0, 40)],
    ['an Anthropic key', `sk-ant-api03-${'a'.repeat(93)}AA`],
    ['a connection string', 'postgres://user:pa55word@host:5432/db'],
    ['a Hugging Face token', `hf_${letters}`],
    ['a bearer', `Bearer ${letters}`],
    ['a password', "const dbPassword = 'correct-horse-battery'"],
    ['a key block', '-----BEGIN RSA PRIVATE KEY-----\nMIIE\nAAAA\n-----END RSA PRIVATE KEY-----'],
    ['a cut key block', '-----BEGIN PRIVATE KEY-----\nMIIE'],
  ])('takes out %s', async (_name, secret) => {
    const { text, secrets } = await scrub(`before ${secret} after`);
    expect(secrets).toBe(1);
    expect(text).toContain(REDACTED);
    expect(text.startsWith('before ')).toBe(true);
    for (const part of ['ghp_', 'sk-ant', 'pa55word', letters, 'horse', 'MIIE']) {
      expect(text).not.toContain(part);
    }
  });

  it('leaves code alone', async () => {
    const code = "expect(parse('token = \"\"')).toEqual({ password: undefined, key: 'short' });";
    expect(await scrub(code)).toEqual({ text: code, secrets: 0 });
  });
});
