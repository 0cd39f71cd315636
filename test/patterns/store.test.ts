import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import type { Scope } from '../../src/patterns/pattern.ts';
import { isInScope } from '../../src/patterns/pattern.ts';
import { openStore, temporaryFolder } from './open-store.ts';
import { patternAt, patterns, SPACE, vectorAt } from './samples.ts';

const idsOf = (matches: readonly { pattern: { id: string } }[]): string[] =>
  matches.map(({ pattern }) => pattern.id);

/** What comparing with every vector finds. */
function exact(query: Float32Array, numbers: readonly number[], k: number): string[] {
  const dot = (number: number): number =>
    vectorAt(number).reduce((sum, value, at) => sum + value * (query[at] ?? 0), 0);
  return numbers
    .toSorted((a, b) => dot(b) - dot(a))
    .slice(0, k)
    .map((number) => `p${number}`);
}

describe('a store', () => {
  test('gives back what was added, and knows it by its prompt whatever ends its lines', () => {
    const { store } = openStore(temporaryFolder());
    const { pattern, vector } = patternAt(1, {
      prompt: 'One\ntwo',
      scope: { repository: 'shop' },
      tier: 'direct',
      expiresAt: 9000,
      quarantine: 'a wrong hit',
    });
    expect(store.add([{ pattern, vector }], SPACE)).toEqual({ added: 1, known: 0 });
    expect(store.find('p1')).toEqual(pattern);
    expect(store.byPrompt(' One \r\ntwo\n')).toEqual([pattern]);
    expect(store.byPrompt('One two')).toEqual([]);
    expect(store.space()).toEqual(SPACE);
    expect(store.vectorOf('p1')?.length).toBe(SPACE.dimension);
  });

  test('finds a pattern by the first characters of its id where they are enough', () => {
    const { store } = openStore(temporaryFolder());
    store.add([patternAt(1, { id: 'abc1' }), patternAt(2, { id: 'abd2' })], SPACE);
    expect(store.find('abc')?.id).toBe('abc1');
    expect(store.find('ab')).toBeUndefined();
    expect(store.find('')).toBeUndefined();
  });

  test('leaves what it has as it is, and adds all or nothing', () => {
    const { store } = openStore(temporaryFolder());
    store.add(patterns(0, 3), SPACE);
    expect(store.add([patternAt(1, { name: 'another' }), patternAt(9)], SPACE)).toEqual({
      added: 1,
      known: 1,
    });
    expect(store.find('p1')?.name).toBe('pattern 1');
    const bad = { pattern: patternAt(11).pattern, vector: [1, 2, 3] };
    expect(() => store.add([patternAt(10), bad], SPACE)).toThrow('has 3 dimensions');
    expect(store.count()).toBe(4);
  });

  test.each([
    ['NaN', (values: Float32Array) => values.fill(Number.NaN, 3, 4), 'NaN at place 3'],
    ['infinite', (values: Float32Array) => values.fill(Infinity, 0, 1), 'no finite number'],
    ['zero', (values: Float32Array) => values.fill(0), 'no direction'],
  ])('refuses a vector that is %s', (_, spoil, message) => {
    const { store } = openStore(temporaryFolder());
    const { pattern, vector } = patternAt(1);
    const spoilt = spoil(Float32Array.from(vector));
    expect(() => store.add([{ pattern, vector: spoilt }], SPACE)).toThrow(message);
    expect(store.count()).toBe(0);
  });

  test("refuses another embedder's vectors, of the same dimension too", () => {
    const { store } = openStore(temporaryFolder());
    store.add(patterns(0, 1), SPACE);
    const other = { embedder: 'test:other', dimension: SPACE.dimension };
    const add = (): unknown => store.add(patterns(1, 2), other);
    expect(add).toThrow(AppError);
    expect(add).toThrow('not of test:other');
    expect(store.count()).toBe(1);
  });

  test('writes an edit whole, and a new vector is found where it is now', async () => {
    const { store } = openStore(temporaryFolder());
    store.add(patterns(0, 20), SPACE);
    const target = vectorAt(1000);
    const edited = store.update('p7', (pattern) => ({ ...pattern, id: 'x', uses: 5 }), target);
    expect(edited).toMatchObject({ id: 'p7', uses: 5 });
    const [first] = await store.search(target, 1);
    expect(first).toMatchObject({ pattern: { id: 'p7' } });
    expect(first?.similarity).toBeCloseTo(1, 5);
    expect(idsOf(await store.search(vectorAt(7), 1))).not.toEqual(['p7']);
    expect(store.update('nobody', (pattern) => pattern)).toBeUndefined();
  });

  test('forgets what is removed, in the index too', async () => {
    const { store } = openStore(temporaryFolder());
    store.add(patterns(0, 20), SPACE);
    await store.search(vectorAt(3), 1);
    expect(store.remove('p3')).toBe(true);
    expect(store.remove('p3')).toBe(false);
    expect(idsOf(await store.search(vectorAt(3), 20))).not.toContain('p3');
    expect(store.count()).toBe(19);
  });

  test('takes back what was done together when it fails', () => {
    const { store } = openStore(temporaryFolder());
    store.add(patterns(0, 2), SPACE);
    expect(() =>
      store.together(() => {
        store.remove('p0');
        store.update('p1', (pattern) => ({ ...pattern, uses: 9 }));
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(store.count()).toBe(2);
    expect(store.find('p1')?.uses).toBe(0);
  });
});

describe('filters', () => {
  const scopes: Scope[] = [
    {},
    { repository: 'a' },
    { repository: 'a', model: 'm' },
    { tenant: 't' },
  ];

  test('scope lets through what holds for the request, as isInScope says', () => {
    const { store } = openStore(temporaryFolder());
    store.add(
      scopes.map((scope, number) => patternAt(number, { scope })),
      SPACE,
    );
    const key = fc.option(fc.constantFrom('a', 'm', 't'), { nil: undefined });
    fc.assert(
      fc.property(key, key, key, (tenant, repository, model) => {
        const request = { tenant, repository, model };
        const through = store.list({ scope: request }).map(({ scope }) => scope);
        expect(through.toReversed()).toEqual(scopes.filter((scope) => isInScope(scope, request)));
      }),
    );
  });

  test('confidence, uses, quarantine, verification, age and words', () => {
    const { store } = openStore(temporaryFolder());
    store.add(
      [
        patternAt(0, { belief: { alpha: 1, beta: 3 } }),
        patternAt(1, { uses: 4, name: '100 % of it' }),
        patternAt(2, { quarantine: 'wrong' }),
        patternAt(3, { verified: 'review', category: 'other' }),
        patternAt(4, { expiresAt: 500, prompt: 'Something ELSE' }),
      ],
      SPACE,
    );
    const ids = (filter: Parameters<typeof store.list>[0]): string[] =>
      store
        .list(filter)
        .map(({ id }) => id)
        .toReversed();
    expect(ids({ belowConfidence: 0.7 })).toEqual(['p0']);
    expect(ids({ minConfidence: 0.75 })).toEqual(['p1', 'p2', 'p3', 'p4']);
    expect(ids({ minUses: 1 })).toEqual(['p1']);
    expect(ids({ quarantined: true })).toEqual(['p2']);
    expect(ids({ verified: true })).toEqual(['p3']);
    expect(ids({ category: 'other' })).toEqual(['p3']);
    expect(ids({ usableAt: 500 })).toEqual(['p0', 'p1', 'p3']);
    expect(ids({ text: 'something else' })).toEqual(['p4']);
    expect(ids({ text: '0 % of' })).toEqual(['p1']);
    expect(ids({ text: '1_0' })).toEqual([]);
    expect(store.list({}, { order: 'least-confident', limit: 1 })[0]?.id).toBe('p0');
    expect([...store.each({ usableAt: 500 })].map(({ id }) => id)).toEqual(['p0', 'p1', 'p3']);
  });

  test('a filter that lets few through still finds them', async () => {
    const { store } = openStore(temporaryFolder());
    store.add(patterns(0, 2500), SPACE);
    store.add([patternAt(5000, { category: 'flaky-detection' })], SPACE);
    await store.settle();
    const found = await store.search(vectorAt(1), 3, { category: 'flaky-detection' });
    expect(idsOf(found)).toEqual(['p5000']);
  });
});

describe('the search index', () => {
  test('few are compared one by one, which is exact', async () => {
    const { store } = openStore(temporaryFolder());
    store.add(patterns(0, 300), SPACE);
    const numbers = Array.from({ length: 300 }, (_, number) => number);
    for (let query = 1000; query < 1010; query++) {
      const found = await store.search(vectorAt(query), 5);
      expect(idsOf(found)).toEqual(exact(vectorAt(query), numbers, 5));
    }
  });

  test('many are found by the graph, while it is built and after it was read again', async () => {
    const folder = temporaryFolder();
    const { store } = openStore(folder);
    store.add(patterns(0, 4000), SPACE);
    const numbers = Array.from({ length: 4000 }, (_, number) => number);
    const recall = async (of: typeof store): Promise<number> => {
      let hits = 0;
      for (let query = 10_000; query < 10_020; query++) {
        const wanted = exact(vectorAt(query), numbers, 10);
        hits += idsOf(await of.search(vectorAt(query), 10)).filter((id) =>
          wanted.includes(id),
        ).length;
      }
      return hits / 200;
    };
    expect(await recall(store)).toBeGreaterThan(0.95);
    await store.settle();
    expect(await recall(store)).toBeGreaterThan(0.95);
    await store.close();
    expect(readdirSync(folder)).toContain('patterns.hnsw.json');
    const again = openStore(folder);
    expect(await recall(again.store)).toBeGreaterThan(0.95);
    expect(again.troubles).toEqual([]);
  });

  test("follows another process's writes, additions and removals", async () => {
    const folder = temporaryFolder();
    const { store } = openStore(folder);
    const { store: other } = openStore(folder);
    store.add(patterns(0, 10), SPACE);
    await other.search(vectorAt(0), 1);
    store.add(patterns(10, 20), SPACE);
    expect(idsOf(await other.search(vectorAt(15), 1))).toEqual(['p15']);
    store.remove('p15');
    expect(idsOf(await other.search(vectorAt(15), 20))).not.toContain('p15');
  });

  test.each<[string, (file: string) => void]>([
    ['cut off', (file) => truncateSync(file, statSync(file).size - 100)],
    [
      'damaged',
      (file) => {
        const bytes = readFileSync(file);
        bytes.fill(0xff, 200, 400);
        writeFileSync(file, bytes);
      },
    ],
    ['empty', (file) => writeFileSync(file, '')],
  ])('a file that is %s is made anew and says so', async (_, spoil) => {
    const folder = temporaryFolder();
    const { store } = openStore(folder);
    store.add(patterns(0, 2100), SPACE);
    await store.settle();
    await store.close();
    const file = readdirSync(folder).find((name) => name.endsWith('.hnsw'));
    expect(file).toBeDefined();
    spoil(path.join(folder, file ?? ''));
    const again = openStore(folder);
    expect(idsOf(await again.store.search(vectorAt(77), 1))).toEqual(['p77']);
    expect(again.troubles).toEqual([expect.stringMatching(/^The search index is made anew: it/)]);
  });

  test('what was removed stays removed, however often the file is read and written', async () => {
    const folder = temporaryFolder();
    for (const [round, gone] of ['p7', 'p8', 'p9'].entries()) {
      const { store } = openStore(folder);
      store.add(patterns(round * 1200, (round + 1) * 1200), SPACE);
      await store.settle();
      store.remove(gone);
      await store.settle();
      await store.close();
    }
    const { store, troubles } = openStore(folder);
    for (const number of [7, 8, 9]) {
      expect(idsOf(await store.search(vectorAt(number), 10))).not.toContain(`p${number}`);
    }
    expect(store.count()).toBe(3597);
    expect(troubles).toEqual([]);
  });

  test('what was written after the file is in the index all the same', async () => {
    const folder = temporaryFolder();
    const first = openStore(folder);
    first.store.add(patterns(0, 2100), SPACE);
    await first.store.settle();
    first.store.add(patterns(2100, 2110), SPACE);
    first.store.remove('p5');
    await first.store.close();
    const { store } = openStore(folder);
    expect(idsOf(await store.search(vectorAt(2105), 1))).toEqual(['p2105']);
    expect(idsOf(await store.search(vectorAt(5), 10))).not.toContain('p5');
  });
});
