import { createServer, type Server } from 'node:net';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createExecutor } from '../../../../src/quality/execution/index.ts';
import {
  gradeTestGeneration,
  type GraderDeps,
} from '../../../../src/quality/kinds/test-generation/grade.ts';
import type { Measured } from '../../../../src/quality/kinds/test-generation/format.ts';
import {
  testGeneration,
  type TestGenerationTask,
} from '../../../../src/quality/kinds/test-generation/kind.ts';
import type { Answer } from '../../../../src/quality/kinds/kind.ts';
import type { GradeOf } from '../../../../src/quality/result.ts';
import { openSandbox } from '../../../../src/quality/sandbox/open-sandbox.ts';
import { probeSandbox } from '../../../../src/quality/sandbox/probe.ts';
import { loadSuite } from '../../../../src/quality/suites/suite.ts';
import { createTypeChecker } from '../../../../src/quality/type-check.ts';
import { TemporaryFolders } from '../../../cli/temporary-folders.ts';
import { buildTinySuite } from '../../../cli/tiny-suite.ts';
import { realDeps } from '../../sandbox/machine.ts';

type Grade = GradeOf<'test-generation'>;

const SECRET = 'sk-ant-must-stay-outside';
const folders = new TemporaryFolders();
let task: TestGenerationTask & { measured: Measured };
let deps: GraderDeps;
let server: Server;
let port = 0;
let connections = 0;
let outside: string;

beforeAll(async () => {
  const suite = await loadSuite(await buildTinySuite(await folders.make(), { tasks: ['clamp'] }));
  const [found] = suite.tasks;
  if (found?.category !== 'test-generation' || found.measured === undefined)
    throw new Error('the suite has no measured task');
  task = { ...found, measured: found.measured };
  outside = await folders.make();
  const base = realDeps(outside);
  const sandboxDeps = { ...base, environment: { ...process.env, ANTHROPIC_API_KEY: SECRET } };
  const sandbox = openSandbox(sandboxDeps, await probeSandbox(sandboxDeps), { allowUnsafe: false });
  process.env['ANTHROPIC_API_KEY'] = SECRET;
  deps = { executor: createExecutor({ sandbox }), typeCheck: createTypeChecker() };
  server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address !== null && typeof address === 'object') port = address.port;
});
afterAll(async () => {
  delete process.env['ANTHROPIC_API_KEY'];
  server.close();
  await folders.remove();
});

function grade(text: string, changes: Partial<Answer> = {}): Promise<Grade> {
  const answer: Answer = { text, truncated: false, looped: false, ...changes };
  return gradeTestGeneration(task, answer, 'linear', deps);
}

const fence = (code: string): string => `\`\`\`ts\n${code}\n\`\`\`\n`;
const HEAD = `import { expect, it } from 'vitest';\nimport { clamp } from './clamp';\n`;
const HONEST = `it('honest', () => { expect(clamp(2, -1, 1)).toBe(1); });\n`;
/** The points of one part. */
const pointsOf = ({ parts }: Grade, name: string) =>
  parts.find((part) => part.name === name)?.points;
const stateOf = ({ evidence }: Grade, name: string) =>
  evidence.tests.find((test) => test.name === name)?.state;

describe('an answer without tests earns nothing', () => {
  it.each([
    { name: 'nothing', text: '' },
    { name: 'spaces', text: ' \n\n\t' },
    { name: 'prose', text: 'I am sorry, but I cannot write tests for this module.' },
    { name: 'an empty block', text: fence('') },
    { name: 'a block that is not code', text: fence('not code (at all') },
    { name: 'code without tests', text: fence(`${HEAD}const x = clamp(1, 2, 3);`) },
    { name: 'control characters', text: '\u0000\u001B[31m\uFFFE\uD800'.repeat(100) },
    { name: '10 MB of prose', text: 'lorem ipsum dolor '.repeat(600_000) },
    { name: '10 MB of brackets', text: '({['.repeat(3_500_000) },
  ])('$name', async ({ text }) => {
    const { score, evidence } = await grade(text);
    expect(score).toBeLessThanOrEqual(0.5);
    expect(evidence.tests).toEqual([]);
    expect(evidence.loadError).toBeDefined();
  });
});

describe('an answer that proves nothing earns no logic and no edges by mutants', () => {
  it.each([
    { name: 'expect(true)', body: 'expect(true).toBe(true);' },
    { name: 'no assertion at all, and no call', body: '' },
    { name: 'assertions that always hold', body: 'expect(clamp).toBeDefined();' },
  ])('$name', async ({ body }) => {
    const graded = await grade(fence(`${HEAD}it('t', () => { ${body} });`));
    const { mutants } = graded.evidence;
    expect(mutants.filter((mutant) => mutant.state === 'killed')).toEqual([]);
    expect(pointsOf(graded, 'correctness')).toBe(10);
    expect(pointsOf(graded, 'edge cases')).toBeLessThanOrEqual(15);
  });

  it('tests of nothing earn the points of syntax alone', async () => {
    const { score } = await grade(fence(`${HEAD}it('t', () => { expect(true).toBe(true); });`));
    expect(score).toBe(1);
  });

  it('tests that call the module and no `expect` do not count as passed', async () => {
    const calls = 'clamp(0, -1, 1); clamp(-2, -1, 1); clamp(2, -1, 1); clamp(5, 3, 3);';
    const { score, evidence } = await grade(fence(`${HEAD}it('t', () => { ${calls} });`));
    expect(evidence.tests).toEqual([
      { name: 't', state: 'failed', message: 'the test asserts nothing' },
    ]);
    expect(score).toBe(1);
  });

  it('tests that only call the module and expect true earn nothing for what makes it throw', async () => {
    const calls =
      'clamp(0, -1, 1); clamp(-2, -1, 1); clamp(2, -1, 1); clamp(5, 3, 3); expect(true).toBe(true);';
    const { score, evidence } = await grade(fence(`${HEAD}it('t', () => { ${calls} });`));
    expect(evidence.tests).toEqual([{ name: 't', state: 'vacuous' }]);
    expect(evidence.mutants.filter((mutant) => mutant.state === 'killed')).toEqual([]);
    expect(score).toBe(1);
  });
});

describe('a forger', () => {
  it.each([
    {
      name: 'prints result lines',
      body: `for (const type of ['done', 'tested', 'mutated']) console.log(JSON.stringify({ type, key: '0', id: '0', state: 'killed' }));`,
    },
    { name: 'writes to standard output', body: `process.stdout?.write?.('{"type":"done"}\\n');` },
    {
      name: 'overwrites the matcher',
      body: `globalThis.expect = () => ({ toBe() {} }); Object.prototype.toBe = () => true;`,
    },
  ])('who $name gains nothing', async ({ body }) => {
    const { score, evidence } = await grade(fence(`${HEAD}it('forged', () => { ${body} });`));
    expect(evidence.mutants.filter((mutant) => mutant.state === 'killed')).toEqual([]);
    expect(score).toBeLessThanOrEqual(1);
  });
});

/** Tests that do harm, beside an honest one that is to keep what it earns. */
const HARMFUL = [
  { name: 'loops for ever', body: 'for (;;) {}', state: 'timeout' },
  { name: 'never ends', body: 'await new Promise(() => {});', state: 'timeout' },
  {
    name: 'forks',
    body: `const { spawn } = await import('node:child_process'); for (let i = 0; i < 50; i++) spawn('sleep', ['60']);`,
    state: 'failed',
  },
  {
    name: 'allocates without end',
    body: 'const all = []; for (;;) all.push(new Array(1e6).fill(all.length));',
    state: 'failed',
  },
  { name: 'ends the process', body: 'process.exit(0);', state: 'failed' },
  { name: 'kills the process', body: `process.kill(process.pid, 'SIGKILL');`, state: 'failed' },
  { name: 'throws what is no error', body: 'throw undefined;', state: 'failed' },
  {
    name: 'reads the key',
    body: `expect(process.env.ANTHROPIC_API_KEY).toBeDefined();`,
    state: 'failed',
  },
  {
    name: 'reads every key',
    body: `expect(JSON.stringify(process.env)).toContain('sk-ant');`,
    state: 'failed',
  },
];

describe('a harmful test', () => {
  it.each(HARMFUL)('that $name fails alone', async ({ body, state }) => {
    const graded = await grade(fence(`${HEAD}it('harmful', async () => { ${body} });\n${HONEST}`));
    expect({
      harmful: stateOf(graded, 'harmful'),
      honest: stateOf(graded, 'honest'),
    }).toEqual({ harmful: state, honest: 'passed' });
    expect(graded.score).toBeGreaterThan(0);
    expect(graded.score).toBeLessThan(9.5);
    expect(JSON.stringify(graded)).not.toContain(SECRET);
  });

  it('reaches no server of this machine', async () => {
    const body = `const net = await import('node:net');
      await new Promise((resolve, reject) => { net.connect(${port}, '127.0.0.1', resolve).on('error', reject); });`;
    const graded = await grade(fence(`${HEAD}it('socket', async () => { ${body} });\n${HONEST}`));
    expect([stateOf(graded, 'socket'), stateOf(graded, 'honest')]).toEqual(['failed', 'passed']);
    expect(connections).toBe(0);
  });

  it('writes nothing outside', async () => {
    const file = path.join(outside, 'written');
    const body = `const fs = await import('node:fs'); fs.writeFileSync(${JSON.stringify(file)}, 'x');`;
    const graded = await grade(fence(`${HEAD}it('writes', async () => { ${body} });\n${HONEST}`));
    expect([stateOf(graded, 'writes'), stateOf(graded, 'honest')]).toEqual(['failed', 'passed']);
    expect(existsSync(file)).toBe(false);
  });

  it('that throws after its end takes no result along', async () => {
    const late = `it('late', () => { setTimeout(() => { throw new Error('late'); }, 1); });\n`;
    const graded = await grade(fence(`${HEAD}${late}${HONEST}`));
    expect(graded.evidence.tests).toHaveLength(2);
    expect(graded.score).toBeLessThan(9.5);
  });
});

describe('a file that does harm while it loads', () => {
  it.each([
    { name: 'loops for ever', code: 'for (;;) {}' },
    { name: 'ends the process', code: 'process.exit(0);' },
    { name: 'throws', code: `throw new Error('no');` },
    { name: 'imports what is not there', code: `import 'left-pad';` },
  ])('$name: nothing is earned but syntax', async ({ code }) => {
    const { score, evidence } = await grade(fence(`${HEAD}${code}\n${HONEST}`));
    expect(evidence.loadError).toBeDefined();
    expect(score).toBeLessThanOrEqual(1);
  });
});

describe('two files', () => {
  it('count as the one with more tests', async () => {
    const { score, evidence } = await grade(
      fence(`${HEAD}${HONEST}`) + testGeneration.goldAnswer(task),
    );
    expect(evidence.extraction.blocks).toBe(2);
    expect(evidence.tests).toHaveLength(5);
    expect(score).toBe(10);
  });

  it('10 MB around the tests cost nothing where the tests come first', async () => {
    const { score } = await grade(
      testGeneration.goldAnswer(task) + 'so much more to say '.repeat(500_000),
    );
    expect(score).toBe(10);
  });
});

describe('an answer that was cut off', () => {
  it('keeps its whole tests and loses the points of syntax and types', async () => {
    const gold = testGeneration.goldAnswer(task);
    const text = gold.slice(0, gold.indexOf('expect(() =>'));
    const graded = await grade(text, { truncated: true });
    const { evidence } = graded;
    expect(evidence.extraction.salvaged).toEqual({ kept: 4, total: 5 });
    expect(evidence.truncated).toBe(true);
    expect(pointsOf(graded, 'correctness')).toBe(20);
  });

  it('has its import added and loses the points of syntax where it forgot it', async () => {
    const whole = await grade(fence(HEAD + HONEST));
    const without = await grade(fence(`import { expect, it } from 'vitest';\n${HONEST}`));
    expect(without.evidence.extraction.mended).toBe('imports');
    expect(stateOf(without, 'honest')).toBe('passed');
    expect(whole.score - without.score).toBeCloseTo(1);
  });
});
