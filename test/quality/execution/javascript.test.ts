import { describe, expect, it } from 'vitest';
import { createExecutor, type Execution } from '../../../src/quality/execution/index.ts';
import { plainSandbox } from './plain-sandbox.ts';

const executor = createExecutor({ sandbox: plainSandbox({ idleMs: 1200 }) });

const SOURCES = {
  'module.mjs': `
    export const limit = 3;
    export default function shorten(text, most) { return text.length > most ? text.slice(0, most) : text; }`,
  'function.js': `
    module.exports = function shorten(text, most) { return text.length > most ? text.slice(0, most) : text; };
    module.exports.limit = 3;`,
  'object.cjs': `
    exports.limit = 3;
    exports.shorten = (text, most) => text.length > most ? text.slice(0, most) : text;`,
  'wrapped.js': `
    (function (root, make) {
      if (typeof module === 'object' && module.exports) module.exports = make();
      else root.shorten = make();
    })(this, function () { return { limit: 3, shorten(text, most) { return text.length > most ? text.slice(0, most) : text; } }; });`,
  'assigned.ts': `
    function shorten(text: string, most: number): string { return text.length > most ? text.slice(0, most) : text; }
    namespace shorten { export const limit = 3; }
    export = shorten;`,
};

async function run(fileName: keyof typeof SOURCES, head: string): Promise<Execution> {
  const subject = { fileName, source: SOURCES[fileName] };
  const mutants = (await executor.listMutants(subject)).map(({ id }) => id);
  return executor.execute({
    subject,
    test: {
      fileName: 'answer.test.ts',
      source: `${head}
        it('cuts', () => { expect(shorten('abc', 2)).toBe('ab'); expect(limit).toBe(3); });
        it('keeps', () => { expect(shorten('', 0)).toBe(''); expect(shorten('ab', 2)).toBe('ab'); });`,
    },
    reruns: 2,
    mutants,
    testTimeoutMs: 2000,
    mustCheck: true,
  });
}

describe('subjects in JavaScript and CommonJS', () => {
  it.each<[keyof typeof SOURCES, string]>([
    ['module.mjs', `import shorten, { limit } from './module';`],
    ['module.mjs', `import * as all from './module.mjs'; const { default: shorten, limit } = all;`],
    ['module.mjs', `const { default: shorten, limit } = require('./module');`],
    ['function.js', `import shorten, { limit } from './function';`],
    ['function.js', `const shorten = require('./function.js'), { limit } = shorten;`],
    ['function.js', `const { default: shorten, limit } = await import('./function');`],
    ['object.cjs', `import { limit, shorten } from './object';`],
    ['object.cjs', `import all from './object.cjs'; const { limit, shorten } = all;`],
    ['object.cjs', `const { limit, shorten } = require('./object');`],
    ['wrapped.js', `import { limit, shorten } from './wrapped';`],
    ['assigned.ts', `import shorten from './assigned'; const { limit } = shorten;`],
    ['assigned.ts', `import shorten = require('./assigned'); const { limit } = shorten;`],
  ])('run: %s with %s', async (fileName, head) => {
    const execution = await run(fileName, head);
    expect(execution).toMatchObject({
      state: 'ran',
      tests: [
        { name: 'cuts', state: 'passed' },
        { name: 'keeps', state: 'passed' },
      ],
      boundaryClasses: ['empty-string', 'zero'],
    });
    if (execution.state !== 'ran') return;
    expect(execution.statements.covered.length).toBeGreaterThan(0);
    expect(execution.branches.covered.length).toBeGreaterThan(1);
    const states = new Map(
      execution.mutants.map(({ id, state }) => [id.replace(/^\S+ /, ''), state]),
    );
    expect(states.get('EqualityOperator text.length <= most')).toBe('killed');
    expect(states.get('EqualityOperator text.length >= most')).toBe('survived');
  });

  it('hand the same function to import and require, so that it can be spied on', async () => {
    const execution = await executor.execute({
      subject: { fileName: 'object.cjs', source: SOURCES['object.cjs'] },
      test: {
        fileName: 'answer.test.ts',
        source: `
          import all, { shorten } from './object';
          const required = require('./object');
          it('is the same', () => { expect(required).toBe(all); expect(required.shorten).toBe(shorten); });
          it('can be spied on', () => {
            jest.spyOn(required, 'shorten').mockReturnValue('spied');
            expect(all.shorten('abc', 1)).toBe('spied');
          });`,
      },
      reruns: 2,
      mutants: [],
      testTimeoutMs: 2000,
      mustCheck: true,
    });
    expect(execution).toMatchObject({ tests: [{ state: 'passed' }, { state: 'passed' }] });
  });
});
