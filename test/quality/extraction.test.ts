import ts from '@typescript/typescript6';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { extractTests } from '../../src/quality/extraction.ts';

const FILE = `import { describe, expect, it } from 'vitest';
import { parse } from './byte-size';

const cases = [1, 2, 3];

describe('parse', () => {
  let n = 0;
  beforeEach(() => {
    n = 1;
  });

  it('reads bytes', () => {
    expect(parse('1 B')).toBe(n);
  });

  describe.each(cases)('case %d', (value) => {
    it.each([[\`a \${1}\`, 2]])('gives %s', (text, size) => {
      expect(parse(text)).toBe(size * value);
    });
  });

  test('throws', async () => {
    await expect(async () => parse('}) { ')).rejects.toThrow("it('no test in a string', () => {");
  });
});
`;

const fenced = (code: string, language = 'ts'): string => `\`\`\`${language}\n${code}\n\`\`\``;

describe('extractTests', () => {
  it('takes the fence out of the prose around it', () => {
    const found = extractTests(`Here you are:\n\n${fenced(FILE)}\n\nIt tests \`parse\`.`);
    expect(found).toEqual({ blocks: 1, source: 'fence', code: FILE, parses: true });
  });

  it.each(['typescript', 'TypeScript', 'js', 'javascript', 'tsx', 'python', ''])(
    'reads a fence marked %j',
    (language) => {
      expect(extractTests(fenced(FILE, language)).code).toBe(FILE);
    },
  );

  it('reads a fence that is never closed, with Windows line ends', () => {
    const found = extractTests(`\`\`\`ts\n${FILE}`.replaceAll('\n', '\r\n'));
    expect(found).toMatchObject({ source: 'fence', parses: true, code: FILE });
  });

  it('chooses the block with the most tests, not the copy of the module', () => {
    const answer = [
      fenced('export function parse(text: string) { return text.length; }'),
      fenced("it('one', () => {});"),
      fenced(FILE),
      fenced('npm test', 'sh'),
    ].join('\nand\n');
    expect(extractTests(answer)).toMatchObject({ blocks: 4, code: FILE, parses: true });
  });

  it('reads an answer without a fence, prose before and after', () => {
    const found = extractTests(`Sure! These tests cover it.\n${FILE}\nI hope that helps!`);
    expect(found).toMatchObject({ source: 'bare', parses: true, code: FILE.trimEnd() });
  });

  it.each([
    '',
    'I cannot write tests.',
    fenced('const x = 1;'),
    fenced('def test_it(): pass', 'python'),
    '```',
  ])('finds nothing in %j', (answer) => {
    expect(extractTests(answer)).toMatchObject({ source: 'none', code: '', parses: false });
  });

  it('keeps the whole tests of an answer that was cut off', () => {
    const cut = FILE.slice(0, FILE.indexOf('rejects.toThrow('));
    const found = extractTests(`\`\`\`ts\n${cut}`);
    expect(found).toMatchObject({ parses: false, salvaged: { kept: 2, total: 3 } });
    expect(found.code).toContain('reads bytes');
    expect(found.code).toContain('describe.each(cases)');
    expect(found.code).toContain('beforeEach');
    expect(found.code).not.toContain('throws');
  });

  it('keeps the tests around one that is broken', () => {
    const found = extractTests(fenced(FILE.replace('toBe(n)', 'toBe(n')));
    expect(found.parses).toBe(false);
    expect(found.code).not.toContain('reads bytes');
    expect(found.code).toContain("test('throws'");
  });

  it('gives up on nesting that no parser stands, and on ten megabytes, quickly', () => {
    expect(extractTests(fenced(`it('x', () => ${'('.repeat(50_000)}`)).code).toBe('');
    expect(extractTests(`it('x', () => {}); ${'a'.repeat(10_000_000)}`).code.length).toBeLessThan(
      300_000,
    );
  });

  it('gives code that parses, and never more tests than there were, wherever it is cut', () => {
    fc.assert(
      fc.property(fc.nat(FILE.length), (end) => {
        const found = extractTests(`\`\`\`ts\n${FILE.slice(0, end)}`);
        const { diagnostics } = ts.transpileModule(found.code, { reportDiagnostics: true });
        expect(diagnostics).toEqual([]);
        if (found.salvaged !== undefined) {
          expect(found.salvaged.kept).toBeLessThanOrEqual(found.salvaged.total);
        }
      }),
    );
  });

  it('never throws, whatever the answer', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('```', 'ts', '\n', "it('", '(', '{', '}', 'x', "'")),
        (parts) => {
          const found = extractTests(parts.join(''));
          if (found.source === 'none') expect(found.code).toBe('');
        },
      ),
    );
  });
});
