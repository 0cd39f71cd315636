import { describe, expect, it } from 'vitest';
import { readAnswer } from '../../../../src/quality/kinds/flaky-detection/answer.ts';

const TITLES = ['sums up', 'waits a moment', 'counts on', 'lists names'];
const JSON_BLOCK = `\`\`\`json
{"tests": [
  {"test": 1, "flaky": false, "cause": "none"},
  {"test": 2, "flaky": true, "cause": "async-wait"},
  {"test": 3, "flaky": true, "cause": "order-dependency"},
  {"test": 4, "flaky": false, "cause": "unordered-collection"}
]}
\`\`\``;
const READ = [
  { flaky: false, cause: undefined },
  { flaky: true, cause: 'async-wait' },
  { flaky: true, cause: 'order-dependency' },
  { flaky: false, cause: 'unordered-collection' },
];
const FIX = `it('counts on', () => {\n  expect(1).toBe(1);\n});`;

const said = (text: string) => readAnswer(text, TITLES).said;

describe('an answer', () => {
  it('is read as it was asked for', () => {
    const text = `${JSON_BLOCK}\n\n\`\`\`ts\n${FIX}\n\`\`\`\n`;
    expect(readAnswer(text, TITLES)).toEqual({ said: READ, fix: FIX, fixParses: true });
  });

  it.each([
    ['no fence', JSON_BLOCK.replaceAll(/```\w*/g, '')],
    ['a list', JSON_BLOCK.replace('{"tests": ', '').replace(']}', ']')],
    ['no language', JSON_BLOCK.replace('```json', '```')],
    ['words around it', `Sure! Here it is:\n${JSON_BLOCK}\nHope this helps.`],
    ['trailing commas', JSON_BLOCK.replaceAll('"}', '",}')],
    ['quotes and keys of JavaScript', JSON_BLOCK.replaceAll('"', "'").replaceAll("'test'", 'test')],
    ['names in capitals', JSON_BLOCK.replace('async-wait', 'Async Wait').replace('true', 'True')],
    ['numbers as words', JSON_BLOCK.replace('"test": 2', '"test": "Test 2"')],
    ['titles', JSON_BLOCK.replace('"test": 2', '"name": "Waits a moment"')],
    ['titles behind numbers', JSON_BLOCK.replace('"test": 2', '"test": "2. waits a moment"')],
    ['no names at all', JSON_BLOCK.replaceAll(/"test": \d, /g, '')],
    ['flags as words', JSON_BLOCK.replaceAll('true', '"yes"').replaceAll('false', '"stable"')],
    ['comments', JSON_BLOCK.replace('{"test": 2', '{ // the sleep\n "test": 2')],
    ['entries in another order', JSON_BLOCK.replace(/(.*"test": 1.*),\n(.*),\n/, '$2,\n$1,\n')],
  ])('is read with %s', (_, text) => {
    expect(said(text)).toEqual(READ);
  });

  it('that is cut off keeps its whole entries', () => {
    const cut = JSON_BLOCK.slice(0, JSON_BLOCK.indexOf('"order-dep'));
    expect(said(cut)).toEqual([READ[0], READ[1], undefined, undefined]);
  });

  it('is believed the first time', () => {
    expect(said('{"test": 1, "flaky": true}\n{"test": 1, "flaky": false}')[0]).toMatchObject({
      flaky: true,
    });
  });

  it.each([
    ['nothing', ''],
    ['prose', 'Test 2 is flaky because of its sleep.'],
    ['tests that are not there', '{"test": 9, "flaky": true}, {"test": -1, "flaky": true}'],
    ['flags that are none', '{"test": 1, "flaky": "maybe"}, {"test": 2, "flaky": null}'],
    ['no JSON', '{test 1 is flaky}'],
    ['many braces', '{'.repeat(20_000)],
    [
      'a code block with such words',
      `\`\`\`ts\n${FIX.replace('expect(1)', 'expect({ flaky: true })')}\n\`\`\``,
    ],
  ])('of %s says nothing', (_, text) => {
    expect(said(text)).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('with a cause that is none names none', () => {
    expect(said('{"test": 1, "flaky": true, "cause": "bad luck"}')[0]).toEqual({
      flaky: true,
      cause: undefined,
    });
  });

  it('may have its fix in several blocks, or cut off', () => {
    const second = FIX.replace('counts on', 'waits a moment');
    const text = `${JSON_BLOCK}\n\`\`\`ts\n${FIX}\n\`\`\`\n\`\`\`js\n${second}\nit('lists na`;
    const { fix, fixParses } = readAnswer(text, TITLES);
    expect(fix).toContain("it('counts on'");
    expect(fix).toContain("it('waits a moment'");
    expect(fix).not.toContain('lists na');
    expect(fixParses).toBe(false);
  });
});
