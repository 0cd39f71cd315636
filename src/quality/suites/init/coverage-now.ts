import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { AppError, messageOf } from '../../../core/errors.ts';

export interface Covered {
  covered: number;
  total: number;
}

/** What the project's own last run of its tests has covered: statements, or lines where only those are known. */
export interface CoverageNow {
  /** The file it was read from. */
  source: string;
  /** By absolute path. */
  files: ReadonlyMap<string, Covered>;
}

/** Where runners leave it. */
const PLACES = ['coverage/coverage-final.json', 'coverage/lcov.info', 'lcov.info'];

const istanbulSchema = z.record(
  z.string(),
  z.object({ path: z.string().optional(), s: z.record(z.string(), z.number()) }),
);

/**
 * Reads istanbul's `coverage-final.json` or an `lcov.info`.
 * @param file one that must be there; where it is not given, the usual places are looked at
 * @returns `undefined` where the project has none
 * @throws AppError `init.coverage-unreadable`
 */
export async function readCoverage(
  root: string,
  file: string | undefined,
): Promise<CoverageNow | undefined> {
  for (const place of file === undefined ? PLACES.map((each) => path.join(root, each)) : [file]) {
    try {
      const text = await readFile(place, 'utf8');
      const files = place.endsWith('.json') ? parseIstanbul(text) : parseLcov(text);
      return {
        source: place,
        files: new Map([...files].map(([name, covered]) => [path.resolve(root, name), covered])),
      };
    } catch (error) {
      if (file === undefined && isMissing(error)) continue;
      throw new AppError(
        'init.coverage-unreadable',
        `${place} cannot be read: ${messageOf(error)}`,
        {
          hint: 'Expected is istanbul’s coverage-final.json or an lcov.info; --coverage names another file.',
          cause: error,
        },
      );
    }
  }
  return undefined;
}

export function parseIstanbul(text: string): Map<string, Covered> {
  const report = istanbulSchema.parse(JSON.parse(text));
  return new Map(
    Object.entries(report).map(([name, { path: at, s }]) => {
      const counts = Object.values(s);
      return [
        at ?? name,
        { covered: counts.filter((count) => count > 0).length, total: counts.length },
      ];
    }),
  );
}

/** `SF:` begins a file, `DA:<line>,<hits>` is one of its lines. */
export function parseLcov(text: string): Map<string, Covered> {
  const files = new Map<string, Covered>();
  let now: Covered | undefined;
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('SF:')) files.set(line.slice(3), (now = { covered: 0, total: 0 }));
    const [, hits] = /^DA:\d+,(\d+)/.exec(line) ?? [];
    if (hits === undefined || now === undefined) continue;
    now.total += 1;
    if (hits !== '0') now.covered += 1;
  }
  return files;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
