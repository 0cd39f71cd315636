import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findJson } from '../../src/quality/answer-json.ts';

const any = (value: unknown): unknown => value;
const list = (value: unknown): unknown[] | undefined => (Array.isArray(value) ? value : undefined);
const withLine = (value: unknown): object | undefined =>
  typeof value === 'object' && value !== null && 'line' in value ? value : undefined;

describe('JSON in an answer', () => {
  it.each([
    ['alone', '[{"line": 1}]'],
    ['in a fence', 'Here:\n```json\n[{"line": 1}]\n```\nDone.'],
    ['in a fence of another name', '~~~\n[{"line": 1}]\n~~~'],
    ['in prose', 'I found this: [{"line": 1}]. That is all [really].'],
    ['in a wrapper', '{"findings": [{"line": 1}]}'],
    ['after another fence', '```ts\nconst a = {};\n```\n```json\n[{"line": 1}]\n```'],
  ])('is found %s', (_, answer) => {
    expect(findJson(answer, list)).toEqual({ state: 'valid', value: [{ line: 1 }] });
  });

  it.each([
    ['a comma too many', '[{"line": 1},]', [{ line: 1 }]],
    ['a comma too few', '[{"line": 1} {"line": 2}]', [{ line: 1 }, { line: 2 }]],
    ['objects without a list', '{"line": 1}\n{"line": 2}', [{ line: 1 }, { line: 2 }]],
    ['one object without a list', '{"line": 1}', [{ line: 1 }]],
    ['a line break in a string', '[{"line": 1, "a": "x\ny"}]', [{ line: 1, a: 'x\ny' }]],
    ['quotes in a string', '[{"a": "say "no" twice"}]', [{ a: 'say "no" twice' }]],
    ['the end in an item', '[{"line": 1}, {"line": 2, "a": "b', [{ line: 1 }]],
    ['the end after an item', '[{"line": 1}, {"line": 2}', [{ line: 1 }, { line: 2 }]],
    ['the end in a number', '[1, 2, 33', [1, 2]],
    ['the end in a fence', '```json\n[{"line": 1},\n', [{ line: 1 }]],
  ])('is salvaged with %s', (_, answer, value) => {
    expect(findJson(answer, list)).toEqual({ state: 'salvaged', value });
  });

  it('keeps the whole members of an object that is cut off', () => {
    const answer = '{"line": 1, "list": [1, 2, 3], "inner": {"a": "b", "c": "d';
    expect(findJson(answer, withLine)).toEqual({
      state: 'salvaged',
      value: { line: 1, list: [1, 2, 3], inner: { a: 'b' } },
    });
  });

  it('prefers what is valid to what comes first', () => {
    expect(findJson('[1,, 2] or [3]', list)).toEqual({ state: 'valid', value: [3] });
  });

  it.each(['', 'no JSON at all', '[', '{', '"text"', '12'])('is not in %j', (answer) => {
    expect(findJson(answer, withLine)).toEqual({ state: 'none' });
  });

  it('is read as JSON.parse reads it', () => {
    const containers = fc.oneof(
      fc.array(fc.jsonValue()),
      fc.dictionary(fc.string(), fc.jsonValue()),
    );
    fc.assert(
      fc.property(containers, fc.nat(4), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(findJson(text, any)).toEqual({ state: 'valid', value: JSON.parse(text) });
      }),
    );
  });

  it('loses no whole item where the answer is cut off', () => {
    const items = fc.array(fc.record({ line: fc.nat(), text: fc.string() }), { minLength: 1 });
    fc.assert(
      fc.property(items, fc.nat(), (value, at) => {
        const text = JSON.stringify(value);
        const cut = text.slice(0, 1 + (at % (text.length - 1)));
        const found = findJson(cut, list);
        const whole = value.filter((_, index) => {
          const upTo = JSON.stringify(value.slice(0, index + 1));
          return cut.startsWith(upTo.slice(0, -1));
        });
        expect(found.state === 'none' ? [] : found.value).toEqual(whole);
      }),
    );
  });

  it('is looked for in any text without harm', () => {
    const pieces = fc.array(
      fc.constantFrom('{', '}', '[', ']', '"', ':', ',', '1', 'a', '\\', '\n', '```\n'),
    );
    fc.assert(
      fc.property(pieces, (text) => {
        expect(findJson(text.join(''), any).state).toMatch(/^(valid|salvaged|none)$/);
      }),
    );
    expect(findJson('[{"a":'.repeat(50_000), withLine)).toEqual({ state: 'none' });
  });

  it('sets no prototype', () => {
    const found = findJson('{"line": 1, "__proto__": {"admin": true},}', withLine);
    expect(found.state).toBe('salvaged');
    expect(Reflect.get(found.state === 'none' ? {} : found.value, 'admin')).toBeUndefined();
  });
});
