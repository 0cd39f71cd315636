import type { z } from 'zod';
import type { Completion } from '../../core/request.ts';
import type { Executor } from '../execution/index.ts';
import type { Category, Grade, Rubric } from '../result.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { TypeChecker } from '../type-check.ts';
import type { MeasuredFields, TaskFields } from './format.ts';

/** What every task is, whatever its category. */
export interface TaskCommon extends TaskFields {
  category: Category;
  /** Path of the task's folder. */
  folder: string;
  /** What `measured.json` holds; absent until `baseline suite build` has measured the task. */
  measured: MeasuredFields | undefined;
}

/**
 * The files of one task. What is read goes into the suite's hash; what is wrong becomes a problem of
 * the suite, named by file and path, so that all problems are told at once.
 */
export interface TaskFiles {
  /** Path of the task's folder. */
  folder: string;
  /** The text of a file that may be absent. */
  read(name: string): Promise<string | undefined>;
  /** The text of a file that must be there. */
  need(name: string): Promise<string | undefined>;
  /** Parses what was read as JSON of this shape; `undefined` stays `undefined`. */
  parse<T>(name: string, text: string | undefined, schema: z.ZodType<T>): T | undefined;
  /** @param path the file, with dots and keys where it is JSON: `task.json.defects.0.line` */
  problem(path: string, message: string): void;
}

/** What grading and measuring may use. */
export interface KindDeps {
  executor: Executor;
  typeCheck: TypeChecker;
  /** For programs of a category's own. Model output runs in here and nowhere else. */
  sandbox: Sandbox;
}

export interface Answer {
  text: string;
  /** It was cut off by a limit. */
  truncated: boolean;
  looped: boolean;
}

/** The answer in what a model said. */
export function answerOf(completion: Completion, looped: boolean): Answer {
  // An answer without end is stopped long after any token limit that makes sense.
  return {
    text: completion.text,
    truncated: !looped && completion.finishReason !== 'stop',
    looped,
  };
}

/** Counts that tell people what was measured (`mutants`, `equivalent`). */
export type Counts = Record<string, number>;

export type Measurement =
  /** `measured` becomes `measured.json`; it extends `measuredBase`. */
  | { state: 'built'; measured: MeasuredFields; counts: Counts }
  /** What is there is left as it was. */
  | { state: 'refused'; problems: string[] };

/** A source or an answer as a report shows it. */
export interface Exhibit {
  name: string;
  text: string;
}

/**
 * One category of tasks: how they are read, asked, graded, measured and proved. Pure but for what is
 * done through `deps`; the same answer always earns the same score. Sources that cannot be read throw
 * `SourceError`, a sandbox that cannot run anything AppError `execution.failed`.
 */
export interface Kind<T extends TaskCommon> {
  readonly category: T['category'];
  /** Placeholders that the category's `prompt.md` must have. */
  readonly placeholders: readonly string[];
  /**
   * Reads a task's folder.
   * @returns `undefined` when a problem was told
   */
  load(files: TaskFiles): Promise<T | undefined>;
  /** Hash of what `measured.json` speaks of, so that a change since is noticed. */
  fingerprint(task: T): string;
  /** The one user message that asks for the task. @see fillIn */
  prompt(task: T, template: string): string;
  /** The written answer, as a model would give it. */
  goldAnswer(task: T): string;
  /** @param task one that was measured as it stands */
  grade(
    task: T,
    answer: Answer,
    rubric: Rubric,
    deps: KindDeps,
    signal?: AbortSignal,
  ): Promise<Grade>;
  /** Measures the truth that answers are graded against. */
  build(task: T, deps: KindDeps, signal: AbortSignal): Promise<Measurement>;
  /**
   * What is unsound about a measured task, beyond what every task is held to: measured as it stands,
   * gold at least 9.5, empty at most 0.5.
   */
  check(
    task: T,
    deps: KindDeps,
    signal: AbortSignal,
  ): Promise<{ problems: string[]; counts: Counts }>;
  /** What the page shows beside the answer; line notes of a grade belong to the first. */
  exhibits(task: T): Exhibit[];
}

/** A prompt template with its `{{placeholders}}` filled in; words that are none of them stay. */
export function fillIn(template: string, values: Readonly<Record<string, string>>): string {
  return template.replaceAll(/\{\{(\w+)\}\}/g, (whole, name: string) =>
    Object.hasOwn(values, name) ? (values[name] ?? whole) : whole,
  );
}

/** Points rounded to a thousandth, and the score that they make: a tenth of their sum. */
export function roundPoints(value: number): number {
  return Math.round(value * 1000) / 1000;
}
