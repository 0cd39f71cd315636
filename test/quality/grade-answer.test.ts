import { describe, expect, it } from 'vitest';
import { createExecutor } from '../../src/quality/execution/index.ts';
import { createAnswerGrader } from '../../src/quality/grade-answer.ts';
import { plainSandbox } from './execution/plain-sandbox.ts';

const grade = createAnswerGrader(createExecutor({ sandbox: plainSandbox() }));

const fence = (code: string): string => `\`\`\`ts\n${code}\n\`\`\``;
const MODULE = `export function sign(value: number): number {
  if (value > 0) return 1;
  return value < 0 ? -1 : 0;
}`;
const IMPORTS = `import { expect, it } from 'vitest';
import { sign } from './sign';`;
const WHOLE = `it('tells', () => {
  expect([sign(2), sign(1), sign(0), sign(-1)]).toEqual([1, 1, 0, -1]);
});`;
const HALF = `it('tells', () => {
  expect(sign(2)).toBe(1);
});`;
const WRONG = `it('errs', () => {
  expect(sign(2)).toBe(7);
});`;
const EMPTY = `it('is there', () => {
  expect(sign).toBeDefined();
});`;

const ask = (code: string, prompt = `Test it:\n${fence(MODULE)}`, answer = fence(code)) =>
  grade({ prompt, answer, category: 'test-generation' });

describe('an answer that is scored by running it', () => {
  it('has all points for tests that pass and let no mutant live', async () => {
    expect(await ask(`${IMPORTS}\n${WHOLE}`)).toBe(10);
  });

  it('has fewer for what catches fewer, and for tests that fail', async () => {
    const half = (await ask(`${IMPORTS}\n${HALF}`)) ?? 0;
    expect(half).toBeGreaterThan(3);
    expect(half).toBeLessThan(10);
    expect(await ask(`${IMPORTS}\n${HALF}\n${WRONG}`)).toBeCloseTo(half - 1.5, 10);
  });

  it.each([
    ['tests that prove nothing', `${IMPORTS}\n${EMPTY}`],
    ['tests that fail', `${IMPORTS}\n${WRONG}`],
    ['a test that cannot be loaded', `${IMPORTS.replace("'vitest'", "'chai'")}\n${WHOLE}`],
    ['imports of two modules', `import { x } from './x';\n${IMPORTS}\nx();\n${WHOLE}`],
    ['no test', 'const one = 1;'],
  ])('has none for %s', async (_what, code) => {
    expect(await ask(code)).toBe(0);
  });

  it('counts the whole tests of an answer that is cut off, and mends its imports', async () => {
    const cut = `\`\`\`ts\n${IMPORTS}\n${WHOLE}\nit('is cut', () => {\n  expect(si`;
    expect(await ask('', undefined, cut)).toBe(10);
    expect(await ask(WHOLE)).toBe(10);
  });

  it('says nothing where running cannot tell', async () => {
    expect(await ask(WHOLE, 'Test sign.')).toBeUndefined();
    const foreign = fence(`import { one } from './one';\n${MODULE}`);
    expect(await ask(`${IMPORTS}\n${WHOLE}`, foreign)).toBeUndefined();
    const review = {
      prompt: fence(MODULE),
      answer: fence(WHOLE),
      category: 'code-review',
    } as const;
    expect(await grade(review)).toBeUndefined();
  });
});
