import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../../../core/errors.ts';
import { readCoverage, type CoverageNow } from './coverage-now.ts';
import { readProject, type Project } from './project.ts';

/** What stands in a project, by absolute paths, sorted. */
export interface Survey {
  project: Project;
  /** Modules that could be picked. */
  sources: string[];
  tests: string[];
  /** Texts of sources, tests and whatever they import, read once. */
  read: (file: string) => Promise<string | undefined>;
  coverage: CoverageNow | undefined;
}

const CODE = /(?<!\.d)\.[cm]?[jt]sx?$/;
const TEST_FILE =
  /(?:^|\/)(?:__tests__|tests?|specs?)\/|[._-](?:test|tests|spec)\.[cm]?[jt]sx?$|(?:^|\/)(?:test|tests|spec)(?:-[\w-]+)?\.[cm]?[jt]sx?$/;
/** Code that is no source of the project: built, borrowed, shown or measured. */
const OTHER_FOLDERS =
  /^(?:node_modules|bower_components|coverage|dist|build|out|vendor|fixtures?|__fixtures__|__mocks__|examples?|bench|benchmarks?|docs|scripts|types|typings|\..*)$/;
const OTHER_FILES =
  /(?:\.min|\.config|\.bench|\.stories|\.tst|\.test-d)\.[cm]?[jt]sx?$|^\.|^Gruntfile|^gulpfile/;
const MOST_FILES = 20_000;

/**
 * Looks through a project.
 * @param from a folder or one file; tests are looked for in all of the package around it
 * @throws AppError `init.no-source`, `init.too-many-files`, `init.coverage-unreadable`
 */
export async function survey(from: string, coverageFile: string | undefined): Promise<Survey> {
  const kind = await stat(from).catch(() => undefined);
  if (kind === undefined) {
    throw new AppError('init.no-source', `There is no file or folder ${from}.`, {
      hint: 'Name the folder of your sources or of a package: --from src',
    });
  }
  const texts = new Map<string, Promise<string | undefined>>();
  const read = (file: string): Promise<string | undefined> => {
    const known = texts.get(file) ?? readFile(file, 'utf8').catch(() => undefined);
    texts.set(file, known);
    return known;
  };
  const project = await readProject(kind.isDirectory() ? from : path.dirname(from), read);
  const files = await filesIn(project.root);
  const isTest = (file: string): boolean =>
    TEST_FILE.test(path.relative(project.root, file).replaceAll(path.sep, '/'));
  const isBelow = (file: string): boolean => file === from || file.startsWith(from + path.sep);
  const typed = new Set(
    files.map(stem).filter((_, index) => /\.[cm]?tsx?$/.test(files[index] ?? '')),
  );
  return {
    project,
    tests: files.filter(isTest),
    sources: files.filter(
      (file) =>
        isBelow(file) &&
        !isTest(file) &&
        !OTHER_FILES.test(path.basename(file)) &&
        !project.isBuilt(file) &&
        // What was compiled beside its source.
        (/\.[cm]?tsx?$/.test(file) || !typed.has(stem(file))),
    ),
    read,
    coverage: await readCoverage(project.root, coverageFile),
  };
}

function stem(file: string): string {
  return file.replace(/\.[cm]?[jt]sx?$/, '');
}

async function filesIn(root: string): Promise<string[]> {
  const found: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    const entries = await readdir(folder, { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const file = path.join(folder, entry.name);
      if (entry.isDirectory() && !OTHER_FOLDERS.test(entry.name)) await walk(file);
      if (entry.isFile() && CODE.test(entry.name)) found.push(file);
    }
    if (found.length > MOST_FILES) {
      throw new AppError(
        'init.too-many-files',
        `${root} holds more than ${MOST_FILES} files of code.`,
        {
          hint: 'Name the folder of one package.',
        },
      );
    }
  };
  await walk(root);
  return found;
}
