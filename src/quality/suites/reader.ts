import type { Hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { messageOf, type Problem } from '../../core/errors.ts';
import type { TaskFiles } from '../kinds/kind.ts';

/** Opens a folder of the suite: `''` is the suite's own, `test-generation/clamp` a task's. */
export type OpenFolder = (name: string) => TaskFiles;

/** Reads a suite's files into its hash, in the order of reading, and collects what is wrong. */
export function suiteReader(suite: string, digest: Hash, problems: Problem[]): OpenFolder {
  return (folder) => {
    const at = (name: string): string => [folder, name].filter((part) => part !== '').join('/');
    const problem = (name: string, message: string): void => {
      problems.push({ path: at(name), message });
    };
    const read = async (name: string): Promise<string | undefined> => {
      try {
        const text = await readFile(path.join(suite, at(name)), 'utf8');
        digest.update(JSON.stringify([at(name), text]));
        return text;
      } catch (error) {
        if (!isMissing(error)) problem(name, messageOf(error));
        return undefined;
      }
    };
    return {
      folder: path.join(suite, folder),
      read,
      need: async (name) => {
        const known = problems.length;
        const text = await read(name);
        if (text === undefined && problems.length === known) {
          problem(name, 'the file is missing');
        }
        return text;
      },
      parse: (name, text, schema) => {
        if (text === undefined) return undefined;
        try {
          const result = schema.safeParse(JSON.parse(text));
          if (result.success) return result.data;
          for (const issue of result.error.issues) {
            problem([name, ...issue.path].join('.'), issue.message);
          }
        } catch (error) {
          problem(name, `not JSON: ${messageOf(error)}`);
        }
        return undefined;
      },
      problem,
    };
  };
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(ENOENT|ENOTDIR)$/.test(String(error.code));
}
