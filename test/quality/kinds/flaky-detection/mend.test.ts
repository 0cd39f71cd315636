import { describe, expect, it } from 'vitest';
import { mend } from '../../../../src/quality/kinds/flaky-detection/mend.ts';
import { hollow, numbered, titlesIn } from '../../../../src/quality/kinds/flaky-detection/spec.ts';

const SPEC = `import { describe, expect, it } from 'vitest';
import { next, reset } from './ids';

const START = 1;

describe('ids', () => {
  it('starts', () => {
    expect(next()).toBe(START);
  });

  it('refuses', async () => {
    await expect(Promise.reject(new Error('no'))).rejects.toThrow('no');
  });
});
`;

const mended = (fix: string, suspects: string[] = ['starts']) => mend(SPEC, fix, suspects);

describe('mending a spec', () => {
  it('replaces a test by the one of its title', () => {
    expect(mended(`it('starts', () => {\n    reset();\n    expect(next()).toBe(1);\n  });`)).toBe(
      SPEC.replace('    expect(next()).toBe(START);', '    reset();\n    expect(next()).toBe(1);'),
    );
  });

  it('adds hooks, helpers and imports that are not there', () => {
    const fix = `import { beforeEach, it } from 'vitest';
      import { next, peek as look } from './ids';
      const START = 1;
      const LIMIT = 5;
      describe('ids', () => {
        beforeEach(() => reset());
        it('starts', () => { expect(look()).toBeLessThan(LIMIT); });
      });`;
    const text = mended(fix) ?? '';
    expect(text).toContain("import { peek as look } from './ids';");
    expect(text.match(/from 'vitest'/g)).toHaveLength(1);
    expect(text.match(/const START/g)).toHaveLength(1);
    expect(text.indexOf('const LIMIT = 5;')).toBeLessThan(text.indexOf("it('starts'"));
    expect(text.indexOf('beforeEach(')).toBeGreaterThan(text.indexOf("describe('ids'"));
    expect(titlesIn(text)).toEqual(['starts', 'refuses']);
  });

  it('replaces a helper of the same name', () => {
    const text = mended(`const START = 7;\nit('starts', () => { expect(next()).toBe(START); });`);
    expect(text).toContain('const START = 7;');
    expect(text).not.toContain('const START = 1;');
  });

  it('takes a whole file as it is', () => {
    const whole = SPEC.replace('const START = 1;', 'const START = 2;');
    expect(mended(whole)).toBe(whole);
  });

  it('takes a new title for the suspect that is left', () => {
    const renamed = `it('starts at one', () => { reset(); expect(next()).toBe(1); });`;
    expect(titlesIn(mended(renamed) ?? '')).toEqual(['starts at one', 'refuses']);
    expect(titlesIn(mended(renamed, []) ?? '')).toEqual(['starts', 'refuses', 'starts at one']);
  });

  it('means the later of two tests with one title', () => {
    const text = mended(
      `it('starts', () => { expect(1).toBe(1); });\nit('starts', () => { expect(2).toBe(2); });`,
    );
    expect(text).toContain('expect(2)');
    expect(text).not.toContain('expect(1)');
  });

  it('is nothing without a test', () => {
    expect(mended('')).toBeUndefined();
    expect(mended('beforeEach(() => reset());')).toBeUndefined();
  });
});

describe('a spec', () => {
  it('is numbered', () => {
    expect(numbered(SPEC)).toContain("  // test 2\n  it('refuses'");
  });

  it('is emptied of what some tests assert', () => {
    const text = hollow(SPEC, new Set(['starts', 'refuses']));
    expect(text).toContain('void (next()); expect(true).toBe(true);');
    expect(text).toContain("await Promise.resolve(Promise.reject(new Error('no'))).catch(");
    expect(hollow(SPEC, new Set(['refuses']))).toContain('expect(next()).toBe(START);');
  });
});
