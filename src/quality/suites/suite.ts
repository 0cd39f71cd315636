import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { AppError, type Problem } from '../../core/errors.ts';
import { kindOf, type Task } from '../kinds/registry.ts';
import { CATEGORIES } from '../kinds/tellings.ts';
import type { Category } from '../result.ts';
import { suiteSchema, type SuiteFile } from './format.ts';
import { isMissing, suiteReader, type OpenFolder } from './reader.ts';

export type { Task } from '../kinds/registry.ts';

export interface Suite extends SuiteFile {
  folder: string;
  /** The prompt template of each category that the suite has. */
  prompts: Partial<Record<Category, string>>;
  /** By category, easy ones first. */
  tasks: Task[];
  /** SHA-256 over the names and contents of the suite's own files; others in its folders do not count. */
  hash: string;
}

/**
 * Reads a suite's folder.
 * @throws AppError `suite.invalid` naming every problem with its file
 */
export async function loadSuite(folder: string): Promise<Suite> {
  const problems: Problem[] = [];
  const digest = createHash('sha256');
  const open = suiteReader(folder, digest, problems);
  const top = open('');
  const header = top.parse('suite.json', await top.need('suite.json'), suiteSchema);
  const prompts: Suite['prompts'] = {};
  const tasks: Task[] = [];
  /** Ids of all task folders, sound or not. */
  const known = new Set<string>();
  let categories = 0;
  for (const category of CATEGORIES) {
    const ids = await foldersIn(path.join(folder, category));
    if (ids === undefined) continue;
    categories += 1;
    for (const id of ids) known.add(id);
    const prompt = await loadPrompt(category, open);
    if (prompt !== undefined) prompts[category] = prompt;
    if (ids.length === 0) open(category).problem('', 'holds no task');
    tasks.push(...(await loadTasks(category, ids, tasks, open)));
  }
  if (categories === 0)
    top.problem('.', `holds no task: there is no folder ${CATEGORIES.join(' or ')}`);
  for (const [index, id] of (header?.quick ?? []).entries()) {
    if (!known.has(id)) {
      top.problem(`suite.json.quick.${index}`, `there is no task ${id}`);
    }
  }
  if (header === undefined || problems.length > 0) {
    throw new AppError('suite.invalid', `The suite in ${folder} has errors.`, {
      problems,
      hint: 'docs/suites.md describes the files of a suite; `aqe-llm baseline suite check` proves one sound.',
    });
  }
  return { ...header, folder, prompts, tasks, hash: digest.digest('hex') };
}

async function loadPrompt(category: Category, open: OpenFolder): Promise<string | undefined> {
  const files = open(category);
  const template = await files.need('prompt.md');
  for (const name of kindOf(category).placeholders) {
    if (template?.includes(`{{${name}}}`) === false) {
      files.problem('prompt.md', `has no {{${name}}} placeholder`);
    }
  }
  return template;
}

async function loadTasks(
  category: Category,
  ids: readonly string[],
  others: readonly Task[],
  open: OpenFolder,
): Promise<Task[]> {
  const tasks: Task[] = [];
  for (const id of ids) {
    const files = open(`${category}/${id}`);
    const task = await kindOf(category).load(files);
    if (task === undefined) continue;
    if (task.id !== id) files.problem('task.json.id', `is not its folder’s name, ${id}`);
    if (others.some((other) => other.id === task.id)) {
      files.problem('task.json.id', 'is the id of a task of another category as well');
    }
    tasks.push(task);
  }
  return tasks.sort(byDifficulty);
}

const ORDER = { simple: 0, moderate: 1, complex: 2 };

function byDifficulty(a: Task, b: Task): number {
  return (
    ORDER[a.complexity] - ORDER[b.complexity] || a.id.localeCompare(b.id, 'en', { numeric: true })
  );
}

/** `undefined` for a folder that is not there. */
async function foldersIn(folder: string): Promise<string[] | undefined> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
