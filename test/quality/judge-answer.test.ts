import { describe, expect, it } from 'vitest';
import { createExecutor } from '../../src/quality/execution/index.ts';
import { createAnswerJudge } from '../../src/quality/judge-answer.ts';
import { plainSandbox } from './execution/plain-sandbox.ts';

const judge = createAnswerJudge(createExecutor({ sandbox: plainSandbox() }));

const fence = (code: string): string => `\`\`\`ts\n${code}\n\`\`\``;
const MODULE = `export function sign(value: number): number {
  if (value > 0) return 1;
  return value < 0 ? -1 : 0;
}`;
const TESTS = `import { expect, it } from 'vitest';
import { sign } from './sign';
it('tells', () => {
  expect([sign(2), sign(1), sign(0), sign(-1)]).toEqual([1, 1, 0, -1]);
});`;

const ask = (
  prompt: string,
  answer: string,
  category: 'test-generation' | 'code-review' = 'test-generation',
) => judge({ prompt, answer, category });

describe('an answer that is judged by running it', () => {
  it.each([
    ['tests that pass and kill mutants', `Test it:\n${fence(MODULE)}`, fence(TESTS), 'right'],
    ['a test that fails', `Test it:\n${fence(MODULE)}`, fence(TESTS.replace('-1]', '1]')), 'wrong'],
    [
      'a test that cannot be loaded',
      fence(MODULE),
      fence(TESTS.replace("'vitest'", "'chai'")),
      'wrong',
    ],
    [
      'a test that is cut off',
      fence(MODULE),
      `\`\`\`ts
${TESTS.slice(0, -20)}`,
      'wrong',
    ],
    [
      'tests that prove nothing',
      fence(MODULE),
      fence(TESTS.replace(/expect\(.*\n/, 'expect(sign).toBeDefined();\n')),
      'unknown',
    ],
    ['no module in the prompt', 'Test sign.', fence(TESTS), 'unknown'],
    ['two modules in the prompt', `${fence(MODULE)}\n${fence(MODULE)}`, fence(TESTS), 'unknown'],
    [
      'a module that needs another',
      fence(`import { one } from './one';\n${MODULE}`),
      fence(TESTS),
      'unknown',
    ],
    ['no test', fence(MODULE), 'It works.', 'unknown'],
  ])('%s', async (_name, prompt, answer, verdict) => {
    expect(await ask(prompt, answer)).toBe(verdict);
  });

  it('leaves other kinds of work alone', async () => {
    expect(await ask(fence(MODULE), fence(TESTS), 'code-review')).toBe('unknown');
  });
});
