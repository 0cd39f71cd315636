import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe as suite, expect, test } from 'vitest';
import {
  type Labelled,
  readLabelled,
  requestOf,
  split,
} from '../../benchmarks/describe/labelled.ts';
import { train, weightsFile } from '../../benchmarks/describe/train.ts';
import { COMPLEXITIES, TASK_CATEGORIES } from '../../src/core/task.ts';
import type { Message } from '../../src/core/request.ts';
import { describe } from '../../src/routing/describe.ts';

const prompts = readLabelled();
const { development, heldOut } = split(prompts);

function accuracy(its: readonly Labelled[]): { category: number; complexity: number } {
  const said = its.map((it) => ({ it, ...describe(requestOf(it)) }));
  const share = (what: 'category' | 'complexity'): number =>
    said.filter((one) => one[what] === one.it[what]).length / its.length;
  return { category: share('category'), complexity: share('complexity') };
}

suite('the labelled prompts', () => {
  test('are at least 400, of every kind, and split by subject', () => {
    expect(prompts.length).toBeGreaterThanOrEqual(400);
    for (const category of TASK_CATEGORIES) {
      for (const complexity of COMPLEXITIES) {
        const its = prompts.filter(
          (it) => it.category === category && it.complexity === complexity,
        );
        expect(its.length, `${category} ${complexity}`).toBeGreaterThanOrEqual(10);
      }
    }
    expect(new Set(prompts.map(({ id }) => id)).size).toBe(prompts.length);
    const seen = new Set(development.map(({ group }) => group));
    expect(heldOut.filter(({ group }) => seen.has(group))).toEqual([]);
    expect(heldOut.length).toBeGreaterThan(100);
  });

  test('are described as they are labelled, nine times of ten and more', () => {
    const whole = accuracy(prompts);
    const unseen = accuracy(heldOut);
    process.stderr.write(
      `described as labelled: all ${inWords(whole)}; held out ${inWords(unseen)} (n = ${heldOut.length})\n`,
    );
    expect(whole.category).toBeGreaterThanOrEqual(0.9);
    expect(whole.complexity).toBeGreaterThanOrEqual(0.9);
    expect(unseen.category).toBeGreaterThanOrEqual(0.85);
    expect(unseen.complexity).toBeGreaterThanOrEqual(0.9);
  });

  test('made the weights that are shipped', () => {
    const shipped = readFileSync(
      new URL('../../src/routing/describe/weights.ts', import.meta.url),
      'utf8',
    );
    expect(shipped).toBe(weightsFile(train(development)));
  });

  test('are got right more often where the classifier is sure', () => {
    const judged = heldOut
      .map((it) => ({ it, ...describe(requestOf(it)) }))
      .toSorted((a, b) => a.confidence - b.confidence);
    const half = judged.length >> 1;
    const right = (its: typeof judged): number =>
      its.filter((one) => one.category === one.it.category && one.complexity === one.it.complexity)
        .length / its.length;
    expect(right(judged.slice(half))).toBeGreaterThan(right(judged.slice(0, half)));
  });
});

suite('a description', () => {
  const ask = (content: string): Message[] => [{ role: 'user', content }];

  test('takes the word of the caller', () => {
    expect(
      describe({ messages: ask('hello'), category: 'code-review', complexity: 'complex' }),
    ).toMatchObject({ category: 'code-review', complexity: 'complex', confidence: 1 });
  });

  test('looks at the last question of a conversation', () => {
    const messages: Message[] = [
      { role: 'system', content: 'You are a helpful assistant.' },
      ...ask('Write vitest unit tests for the function slugify(text).'),
      { role: 'assistant', content: 'Here they are.' },
      ...ask('This test fails in one of twenty runs on CI and passes locally. Why is it flaky?'),
    ];
    expect(describe({ messages }).category).toBe('flaky-detection');
  });

  test('is the same for the same words, whatever white space ends them', () => {
    const text = fc.array(
      fc.constantFrom(...'abc test coverage review flaky ```\n{};?,'.split(' ')),
    );
    fc.assert(
      fc.property(text, fc.constantFrom('', ' ', '\n\n', '\t'), (words, end) => {
        const { promptTokens: _, ...plain } = describe({ messages: ask(words.join(' ')) });
        const { promptTokens: __, ...ended } = describe({ messages: ask(words.join(' ') + end) });
        expect(ended).toEqual(plain);
      }),
    );
  });

  test('is there for anything, with numbers that are numbers', () => {
    const message: fc.Arbitrary<Message> = fc.record({
      role: fc.constantFrom('user' as const, 'system' as const, 'assistant' as const),
      content: fc.string({ unit: 'binary', maxLength: 2000 }),
    });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 6 }), (messages) => {
        const { category, complexity, confidence, promptTokens, features } = describe({ messages });
        expect(TASK_CATEGORIES).toContain(category);
        expect(COMPLEXITIES).toContain(complexity);
        expect(confidence).toBeGreaterThan(0);
        expect(confidence).toBeLessThanOrEqual(1);
        for (const value of [promptTokens, ...Object.values(features)]) {
          expect(Number.isFinite(value)).toBe(true);
        }
      }),
    );
  });

  test('looks at bounded parts of a long prompt, where the question stands', () => {
    const filler = 'lorem ipsum dolor sit amet\n'.repeat(100_000);
    const question = 'Review this pull request and name every bug, with its severity.';
    expect(describe({ messages: ask(`${question}\n${filler}`) }).category).toBe('code-review');
    expect(describe({ messages: ask(`${filler}\n${question}`) }).category).toBe('code-review');
  });
});

function inWords({ category, complexity }: { category: number; complexity: number }): string {
  return `category ${category.toFixed(3)}, complexity ${complexity.toFixed(3)}`;
}
