import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { gradeApart } from '../../src/runtime/grade-thread.ts';

const fence = (code: string): string => `\`\`\`ts\n${code}\n\`\`\``;
const MODULE = 'export const double = (value: number): number => value * 2;';
const TESTS = `import { expect, it } from 'vitest';
import { double } from './double';
it('doubles', () => expect(double(3)).toBe(6));`;
const GOOD = { prompt: fence(MODULE), answer: fence(TESTS), category: 'test-generation' } as const;
const signal = new AbortController().signal;

const open = (platform: NodeJS.Platform = process.platform) =>
  gradeApart({
    platform,
    node: { path: process.execPath, version: process.versions.node },
    environment: { PATH: process.env['PATH'] },
    tmpDir: tmpdir(),
    allowUnsafe: true,
  });

describe('grading in a thread of its own', () => {
  it('scores answers, several at once, while others are answered', async () => {
    const grade = open();
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 5);
    const scores = await Promise.all([
      grade(GOOD, signal),
      grade({ ...GOOD, answer: fence(TESTS.replace('6', '7')) }, signal),
      grade({ ...GOOD, category: 'other' }, signal),
    ]);
    clearInterval(timer);
    expect(scores).toEqual([10, 0, undefined]);
    expect(turns).toBeGreaterThan(0);
  });

  it('fails where no sandbox works, and lets the next one try', async () => {
    const grade = open('win32');
    await expect(grade(GOOD, signal)).rejects.toThrow('No sandbox works on this machine');
    await expect(grade(GOOD, signal)).rejects.toThrow('No sandbox works on this machine');
  });

  it('ends early for whoever does not wait any more', async () => {
    const grade = open();
    const left = new AbortController();
    const endless = TESTS.replace('expect(double(3)).toBe(6)', '{ for (;;); }');
    const graded = grade({ ...GOOD, answer: fence(endless) }, left.signal);
    setTimeout(() => left.abort(), 300);
    await expect(graded).rejects.toThrow();
  });
});
