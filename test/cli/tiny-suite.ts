import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runCli } from './run-cli.ts';

const FENCE = '```';

const CLAMP = {
  subject: `/** Limits a number to a range. */
export function clamp(value: number, least: number, most: number): number {
  if (least > most) throw new RangeError('least is above most');
  if (value < least) return least;
  return value > most ? most : value;
}
`,
  reference: `import { describe, expect, it } from 'vitest';
import { clamp } from './clamp';

describe('clamp', () => {
  it('leaves what is inside', () => {
    expect(clamp(0, -1, 1)).toBe(0);
  });
  it('raises to the least', () => {
    expect(clamp(-2, -1, 1)).toBe(-1);
  });
  it('lowers to the most', () => {
    expect(clamp(2, -1, 1)).toBe(1);
  });
  it('takes a range of one number', () => {
    expect(clamp(5, 3, 3)).toBe(3);
  });
  it('refuses a range the wrong way round', () => {
    expect(() => clamp(0, 2, 1)).toThrow(new RangeError('least is above most'));
  });
});
`,
  fuzz: `export default function trace(subject: typeof import('./clamp'), random: () => number): unknown {
  const number = () => Math.floor(random() * 5) - 2;
  return subject.clamp(number(), number(), number());
}
`,
};

const INITIALS = {
  subject: `/** The first letters of a name's words, in capitals. */
export function initials(name: string): string {
  if (name.trim() === '') return '?';
  return name
    .trim()
    .split(/\\s+/)
    .map((word) => word.charAt(0).toUpperCase())
    .join('');
}
`,
  reference: `import { expect, it } from 'vitest';
import { initials } from './initials';

it('takes the first letter of each word', () => {
  expect(initials('ada lovelace')).toBe('AL');
});
it('passes over spaces', () => {
  expect(initials('  grace   hopper ')).toBe('GH');
});
it('has a mark for nothing', () => {
  expect(initials('')).toBe('?');
  expect(initials('  ')).toBe('?');
});
`,
  fuzz: `export default function trace(subject: typeof import('./initials'), random: () => number): unknown {
  const letters = ['a', 'B', ' ', ' ', 'c'];
  const text = Array.from({ length: 6 }, () => letters[Math.floor(random() * letters.length)]);
  return subject.initials(text.join(''));
}
`,
};

const STACK = {
  subject: `/** A stack that holds at most so many. */
export class Stack<T> {
  private readonly items: T[] = [];
  private readonly most: number;
  constructor(most: number) {
    this.most = most;
  }
  push(item: T): boolean {
    if (this.items.length >= this.most) return false;
    this.items.push(item);
    return true;
  }
  pop(): T | null {
    return this.items.pop() ?? null;
  }
}
`,
  reference: `import { expect, it } from 'vitest';
import { Stack } from './stack';

it('gives back the last', () => {
  const stack = new Stack<number>(2);
  expect([stack.push(0), stack.push(2)]).toEqual([true, true]);
  expect([stack.pop(), stack.pop(), stack.pop()]).toEqual([2, 0, null]);
});
it('refuses more than it holds', () => {
  const stack = new Stack<null>(1);
  expect([stack.push(null), stack.push(null)]).toEqual([true, false]);
});
it('may hold nothing', () => {
  expect(new Stack<number>(0).push(1)).toBe(false);
});
`,
  fuzz: undefined,
};

const TASKS = { clamp: CLAMP, initials: INITIALS, stack: STACK };
const COMPLEXITY = { clamp: 'simple', initials: 'moderate', stack: 'complex' };
export type TaskName = keyof typeof TASKS;
export const TASK_NAMES: readonly TaskName[] = ['clamp', 'initials', 'stack'];

export interface TinySuiteOptions {
  tasks?: readonly TaskName[];
  quick?: readonly TaskName[];
}

/** Writes the files of a small suite that has not been measured. */
export async function writeTinySuite(
  folder: string,
  { tasks = TASK_NAMES, quick = ['clamp'] }: TinySuiteOptions = {},
): Promise<void> {
  const json = (value: unknown): string => JSON.stringify(value, null, 2);
  await mkdir(path.join(folder, 'test-generation'), { recursive: true });
  const description = 'Three small modules.';
  await writeFile(
    path.join(folder, 'suite.json'),
    json({ schema: 'aqe-llm/suite@1', name: 'tiny', description, quick }),
  );
  await writeFile(
    path.join(folder, 'test-generation', 'prompt.md'),
    `Write a vitest test file for \`{{file}}\`, imported from './{{module}}':\n\n${FENCE}ts\n{{source}}\n${FENCE}\n`,
  );
  for (const name of tasks) {
    const task = TASKS[name];
    const at = taskFolder(folder, name);
    await mkdir(at);
    const subject = `${name}.ts`;
    const title = `Test ${name}`;
    const complexity = COMPLEXITY[name];
    await writeFile(
      path.join(at, 'task.json'),
      json({ id: name, title, complexity, subject, cluster: name }),
    );
    await writeFile(path.join(at, subject), task.subject);
    await writeFile(path.join(at, 'reference.test.ts'), task.reference);
    if (task.fuzz !== undefined) await writeFile(path.join(at, 'fuzz.ts'), task.fuzz);
  }
}

/** Writes a small suite and measures it with the program itself. */
export async function buildTinySuite(
  folder: string,
  options: TinySuiteOptions = {},
): Promise<string> {
  await writeTinySuite(folder, options);
  const built = await runCli(['baseline', 'suite', 'build', folder], { cwd: folder });
  if (built.exitCode !== 0) throw new Error(`The suite was not built: ${built.stderr}`);
  return folder;
}

export function taskFolder(suite: string, name: TaskName): string {
  return path.join(suite, 'test-generation', name);
}

/** Changes one file of a task. */
export async function edit(file: string, change: (text: string) => string): Promise<void> {
  const before = await readFile(file, 'utf8');
  const after = change(before);
  if (after === before) throw new Error(`Nothing was changed in ${file}`);
  await writeFile(file, after);
}
