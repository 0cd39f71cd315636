import { chmod, mkdir, mkdtemp, realpath, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../../core/errors.ts';

export interface JobFolder {
  /** Absolute real path. */
  path: string;
  uid: number;
  gid: number;
  remove(): Promise<void>;
}

/**
 * Writes a job's files to a fresh folder that only we can enter.
 * @throws AppError `sandbox.job-invalid` when a name leaves the folder or the entry is not among the files
 */
export async function createJobFolder(
  tmpDir: string,
  files: Readonly<Record<string, string>>,
  entry: string,
): Promise<JobFolder> {
  for (const name of Object.keys(files)) assertInside(name);
  if (!Object.hasOwn(files, entry)) {
    throw new AppError(
      'sandbox.job-invalid',
      `The entry "${entry}" is not among the files of the job.`,
    );
  }
  // mkdtemp makes the folder with mode 0700.
  const folder = await realpath(await mkdtemp(path.join(tmpDir, 'aqe-llm-job-')));
  const remove = () => rm(folder, { recursive: true, force: true, maxRetries: 3 });
  try {
    for (const [name, content] of Object.entries(files)) {
      const file = path.join(folder, name);
      await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
      await writeFile(file, content, { mode: 0o600 });
    }
    await chmod(folder, 0o700);
    const { uid, gid } = await stat(folder);
    return { path: folder, uid, gid, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

function assertInside(name: string): void {
  const parts = name.split(/[/\\]/);
  if (name === '' || path.isAbsolute(name) || parts.includes('..') || parts.includes('')) {
    throw new AppError(
      'sandbox.job-invalid',
      `"${name}" is not a file name inside the job folder.`,
    );
  }
}

/** Whether an absolute path lies in one of the folders. */
export function isUnder(file: string, folders: readonly string[]): boolean {
  return folders.some((folder) => file.startsWith(`${folder}/`));
}
