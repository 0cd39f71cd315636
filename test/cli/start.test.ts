import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const execute = promisify(execFile);
const RUNTIME = new URL('../../dist/runtime.js', import.meta.url).href;

test('what grading alone needs is not loaded to route: the compilers are 100 MB of memory', async () => {
  const program = `
    await import(${JSON.stringify(RUNTIME)});
    const { default: Module } = await import('node:module');
    console.log(JSON.stringify(Object.keys(Module._cache)));
  `;
  const { stdout } = await execute(process.execPath, ['--input-type=module', '-e', program]);
  const loaded = stdout.split(',').filter((file) => file.includes('node_modules'));
  expect(loaded).not.toEqual([]);
  expect(loaded.filter((file) => /typescript|@babel/.test(file))).toEqual([]);
});
