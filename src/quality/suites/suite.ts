import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { z } from 'zod';
import { AppError, messageOf, type Problem } from '../../core/errors.ts';
import type { Category } from '../result.ts';
import {
  measuredSchema,
  suiteSchema,
  taskSchema,
  type Measured,
  type SuiteFile,
  type TaskFile,
} from './format.ts';

/** A task of test generation with everything its folder holds. */
export interface Task extends TaskFile {
  category: Category;
  /** Path of the task's folder. */
  folder: string;
  subjectSource: string;
  /** The reference test file, which is also the gold answer. */
  referenceSource: string;
  /** `fuzz.ts`, where the task has one. */
  fuzzSource: string | undefined;
  /** Absent until `baseline suite build` has measured the task. */
  measured: Measured | undefined;
}

export interface Suite extends SuiteFile {
  folder: string;
  /** The prompt template of test generation, with `{{module}}`, `{{file}}` and `{{source}}`. */
  prompt: string;
  tasks: Task[];
  /** SHA-256 over the names and contents of the suite's own files; others in its folders do not count. */
  hash: string;
}

const CATEGORY: Category = 'test-generation';
export const REFERENCE_FILE = 'reference.test.ts';
export const MEASURED_FILE = 'measured.json';

/**
 * Reads a suite's folder.
 * @throws AppError `suite.invalid` naming every problem with its file
 */
export async function loadSuite(folder: string): Promise<Suite> {
  const problems: Problem[] = [];
  const digest = createHash('sha256');

  const read = async (name: string): Promise<string | undefined> => {
    try {
      const text = await readFile(path.join(folder, name), 'utf8');
      digest.update(JSON.stringify([name, text]));
      return text;
    } catch (error) {
      if (!isMissing(error)) problems.push({ path: name, message: messageOf(error) });
      return undefined;
    }
  };
  const need = async (name: string): Promise<string | undefined> => {
    const known = problems.length;
    const text = await read(name);
    if (text === undefined && problems.length === known) {
      problems.push({ path: name, message: 'the file is missing' });
    }
    return text;
  };
  const parse = <T>(
    name: string,
    text: string | undefined,
    schema: z.ZodType<T>,
  ): T | undefined => {
    if (text === undefined) return undefined;
    try {
      const result = schema.safeParse(JSON.parse(text));
      if (result.success) return result.data;
      for (const issue of result.error.issues) {
        problems.push({ path: [name, ...issue.path].join('.'), message: issue.message });
      }
    } catch (error) {
      problems.push({ path: name, message: `not JSON: ${messageOf(error)}` });
    }
    return undefined;
  };
  const loadTask = async (id: string): Promise<Task | undefined> => {
    const at = (name: string): string => `${CATEGORY}/${id}/${name}`;
    const file = parse(at('task.json'), await need(at('task.json')), taskSchema);
    const referenceSource = await need(at(REFERENCE_FILE));
    const fuzzSource = await read(at('fuzz.ts'));
    const measured = parse(at(MEASURED_FILE), await read(at(MEASURED_FILE)), measuredSchema);
    if (file === undefined) return undefined;
    if (file.id !== id) {
      problems.push({ path: at('task.json.id'), message: `is not its folder’s name, ${id}` });
    }
    const subjectSource = await need(at(file.subject));
    if (referenceSource === undefined || subjectSource === undefined) return undefined;
    return {
      ...file,
      category: CATEGORY,
      folder: path.join(folder, CATEGORY, id),
      subjectSource,
      referenceSource,
      fuzzSource,
      measured,
    };
  };

  const header = parse('suite.json', await need('suite.json'), suiteSchema);
  const prompt = await need(`${CATEGORY}/prompt.md`);
  if (prompt?.includes('{{source}}') === false) {
    problems.push({ path: `${CATEGORY}/prompt.md`, message: 'has no {{source}} placeholder' });
  }
  const ids = await foldersIn(path.join(folder, CATEGORY));
  const tasks: Task[] = [];
  for (const id of ids) {
    const task = await loadTask(id);
    if (task !== undefined) tasks.push(task);
  }
  if (ids.length === 0) problems.push({ path: CATEGORY, message: 'holds no task' });
  for (const [index, id] of (header?.quick ?? []).entries()) {
    if (!ids.includes(id)) {
      problems.push({ path: `suite.json.quick.${index}`, message: `there is no task ${id}` });
    }
  }
  if (header === undefined || prompt === undefined || problems.length > 0) {
    throw new AppError('suite.invalid', `The suite in ${folder} has errors.`, {
      problems,
      hint: 'docs/suites.md describes the files of a suite; `aqe-llm baseline suite check` proves one sound.',
    });
  }
  return { ...header, folder, prompt, tasks: tasks.sort(byDifficulty), hash: digest.digest('hex') };
}

const ORDER = { simple: 0, moderate: 1, complex: 2 };

function byDifficulty(a: Task, b: Task): number {
  return (
    ORDER[a.complexity] - ORDER[b.complexity] || a.id.localeCompare(b.id, 'en', { numeric: true })
  );
}

async function foldersIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(ENOENT|ENOTDIR)$/.test(String(error.code));
}
