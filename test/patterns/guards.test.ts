import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { differenceOf } from '../../src/patterns/guards.ts';
import { allPrompts } from './stream.ts';

describe('what speaks against giving the same answer', () => {
  test.each([
    ['number', 'Write 3 tests for the queue.', 'Write 5 tests for the queue.'],
    ['number', 'Write three tests for the queue.', 'Write five tests for the queue.'],
    ['identifier', 'Test `parse` in the module.', 'Test `format` in the module.'],
    ['identifier', 'Review parseDate and its callers.', 'Review parseTime and its callers.'],
    ['identifier', 'Review "cart" for leaks.', 'Review "shop" for leaks.'],
    ['path', 'Cover src/a.ts please.', 'Cover src/b.ts please.'],
    ['negation', 'Do the tests cover it?', 'Do the tests not cover it?'],
    ['negation', "It doesn't throw.", 'It does throw.'],
    ['negation', 'Write tests with mocks.', 'Write tests without mocks.'],
    ['sense', 'Sort them ascending.', 'Sort them descending.'],
    ['sense', 'Run it before the hook.', 'Run it after the hook.'],
    ['word', 'Test the cart module.', 'Test the invoice module.'],
    ['code', 'Fix ```\na + b\n``` now.', 'Fix ```\na - b\n``` now.'],
    ['order', 'Merge `a` and then `b`.', 'Merge `b` and then `a`.'],
    ['order', 'Convert miles to kilometres.', 'Convert kilometres to miles.'],
  ])('%s: %s / %s', (difference, one, other) => {
    expect(differenceOf(one, other)).toBe(difference);
    expect(differenceOf(other, one)).toBe(difference);
  });

  test.each([
    ['Write 3 tests for the queue.', 'Please generate three tests for our queue'],
    ['Find the bug in `a.b()`.', 'Can you identify the bug in `a.b()`?'],
    ['Fix ```\na +  b\n``` now.', 'fix ```\na + b\n```'],
  ])('nothing: %s / %s', (one, other) => {
    expect(differenceOf(one, other)).toBeUndefined();
  });

  test('a prompt differs in nothing from itself, whatever it is', () => {
    fc.assert(
      fc.property(fc.string(), (prompt) => differenceOf(prompt, `${prompt} `) === undefined),
    );
  });

  test('no two prompts of the labelled stream with different meanings pass', () => {
    const prompts = allPrompts();
    expect(prompts.length).toBeGreaterThanOrEqual(1000);
    const passed: string[] = [];
    for (const [index, one] of prompts.entries()) {
      for (const other of prompts.slice(index + 1)) {
        // Of one intent; the others have hardly a word in common.
        if (one.meaning.split(' ')[0] !== other.meaning.split(' ')[0]) continue;
        if (one.meaning === other.meaning) continue;
        if (differenceOf(one.prompt, other.prompt) === undefined) {
          passed.push(`${one.prompt} / ${other.prompt}`);
        }
      }
    }
    expect(passed).toEqual([]);
  });
});
