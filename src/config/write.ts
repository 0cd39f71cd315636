import { readFile, rename, writeFile } from 'node:fs/promises';
import { AppError, messageOf } from '../core/errors.ts';
import type { ConfigFile } from './schema.ts';

/**
 * Writes the embedded model into a configuration file, which is made when there is none; every other
 * key stays. The file is replaced as a whole or not at all.
 * @param choice `model` and `schema` as they are to stand in the file
 * @throws AppError `config.not-written`
 */
export async function writeModelChoice(
  file: string,
  choice: { model: string; schema: string },
): Promise<void> {
  try {
    const config = await existing(file);
    const next: ConfigFile = {
      ...config,
      $schema: config?.$schema ?? choice.schema,
      embedded: { ...config?.embedded, model: choice.model },
    };
    await writeFile(`${file}.new`, `${JSON.stringify(next, null, 2)}\n`);
    await rename(`${file}.new`, file);
  } catch (error) {
    throw new AppError('config.not-written', `${file} cannot be written: ${messageOf(error)}`, {
      hint: 'Check that its folder exists, can be written and has room, or name another file with --config.',
      cause: error,
    });
  }
}

/** The file as it stands; `loadConfig` has checked it before. */
async function existing(file: string): Promise<ConfigFile | undefined> {
  try {
    const config: ConfigFile = JSON.parse(await readFile(file, 'utf8'));
    return config;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
