import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Writes a small project, file by file. */
export async function writeProject(
  root: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(root, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}

/** A function with decisions at its edges, under a name of its own. */
export const grade = (name: string, typed = false): string =>
  `${name}(points${typed ? ': number' : ''}, most${typed ? '?: number' : ''})${typed ? ': string' : ''} {
  const limit = most ?? 100;
  if (points < 0 || points > limit) throw new RangeError('not within 0 and ' + limit);
  if (points === limit) return 'full';
  return points >= limit / 2 ? 'passed' : 'failed';
}`;

/** What the tests of such a function look at: calls and results. */
export const CASES = [
  ['0', 'failed'],
  ['49', 'failed'],
  ['50', 'passed'],
  ['99', 'passed'],
  ['100', 'full'],
  ['5, 10', 'passed'],
  ['10, 10', 'full'],
] as const;

/** One statement a case. */
export const told = (tell: (call: string, result: string) => string, name: string): string =>
  CASES.map(([args, result]) => tell(`${name}(${args})`, `'${result}'`)).join(' ');
