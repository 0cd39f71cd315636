import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AppError, messageOf } from '../core/errors.ts';

/**
 * Has a text edited in `$VISUAL`, `$EDITOR` or vi, on the terminal of this process.
 * @param name of the file that the editor sees
 * @throws AppError `editor.failed` when it cannot be started or does not end well; the text is as it was
 */
export async function editText(
  text: string,
  name: string,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const editor = env['VISUAL'] || env['EDITOR'] || 'vi';
  const folder = await mkdtemp(path.join(tmpdir(), 'aqe-llm-edit-'));
  const file = path.join(folder, name);
  try {
    await writeFile(file, text, { mode: 0o600 });
    // The variable may hold options, as in `code --wait`.
    const child = spawn('sh', ['-c', `${editor} "$1"`, 'sh', file], { stdio: 'inherit', env });
    await once(child, 'close');
    const { exitCode, signalCode } = child;
    if (exitCode !== 0) {
      throw failed(editor, `ended with ${signalCode ?? `code ${exitCode}`}`);
    }
    return await readFile(file, 'utf8');
  } catch (error) {
    throw error instanceof AppError ? error : failed(editor, messageOf(error));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function failed(editor: string, how: string): AppError {
  return new AppError('editor.failed', `The editor ${editor} ${how}; nothing was changed.`, {
    hint: 'Name one that works in VISUAL or EDITOR, as in EDITOR=nano.',
  });
}
