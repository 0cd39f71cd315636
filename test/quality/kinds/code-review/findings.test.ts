import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFindings } from '../../../../src/quality/kinds/code-review/findings.ts';

const EXPLANATION = 'The loop ends one item too early.';
const read = (item: unknown) => parseFindings(JSON.stringify([item])).findings;

describe('the findings of an answer', () => {
  it('are read as they were asked for', () => {
    const item = { line: 12, title: 'Off by one', explanation: EXPLANATION, severity: 'high' };
    expect(parseFindings(`\`\`\`json\n${JSON.stringify([item])}\n\`\`\``)).toEqual({
      json: 'valid',
      findings: [{ line: 12, title: 'Off by one', explanation: EXPLANATION }],
    });
  });

  it.each([
    ['12', 12],
    ['line 12', 12],
    ['12-15', 12],
    [12.5, undefined],
    [0, undefined],
    [-3, undefined],
    ['here', undefined],
    [null, undefined],
  ])('read the line %j as %s', (line, expected) => {
    expect(read({ line, explanation: EXPLANATION })[0]?.line).toBe(expected);
  });

  it('take a kind for a title', () => {
    expect(read({ line: 1, kind: 'race' })[0]?.title).toBe('race');
  });

  it('have no explanation that says nothing', () => {
    for (const explanation of ['', '   ', '12', '!!! 1234567890 ???', 'bug', 5, null, undefined]) {
      expect(read({ line: 1, explanation })[0]?.explanation).toBe('');
    }
  });

  it('stay in the list when they are none', () => {
    const { findings } = parseFindings(JSON.stringify([{ line: 1 }, 7, 'text', null, { a: 1 }]));
    expect(findings).toHaveLength(5);
  });

  it('can be none at all', () => {
    expect(parseFindings('[]')).toEqual({ json: 'valid', findings: [] });
    expect(parseFindings('Nothing is wrong.')).toEqual({ json: 'none', findings: [] });
    expect(parseFindings('')).toEqual({ json: 'none', findings: [] });
  });

  it('can be anything', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), (items) => {
        for (const finding of parseFindings(JSON.stringify(items)).findings) {
          expect(finding.line === undefined || finding.line >= 1).toBe(true);
        }
      }),
    );
  });
});
