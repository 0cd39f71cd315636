import { readFile, realpath, rename, writeFile } from 'node:fs/promises';
import { AppError, messageOf } from '../core/errors.ts';
import { configSchema, type ConfigFile } from './schema.ts';

/** What to set; a key that is absent stays as it is in the file. */
export type ConfigChanges = Pick<ConfigFile, 'embedded' | 'servers' | 'tiers' | 'baseline'>;

/**
 * Sets keys of a configuration file, which is made when there is none. All other keys, their order and the
 * file's indentation stay. The file is replaced as a whole or not at all.
 * @param schema what a file without `$schema` gets
 * @throws AppError `config.not-written`; `config.invalid` when the changes would make the file invalid
 */
export async function updateConfig(
  file: string,
  changes: ConfigChanges,
  schema: string,
): Promise<void> {
  try {
    const target = await realpath(file).catch(() => file);
    const text = await existing(target);
    const config: ConfigFile = text === undefined ? {} : JSON.parse(text);
    const next = merge('$schema' in config ? config : { $schema: schema, ...config }, changes);
    requireValid(next);
    const indent = /^\{\r?\n([ \t]+)/.exec(text ?? '')?.[1] ?? '  ';
    await writeFile(`${target}.new`, `${JSON.stringify(next, null, indent)}\n`);
    await rename(`${target}.new`, target);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('config.not-written', `${file} cannot be written: ${messageOf(error)}`, {
      hint: 'Check that its folder exists, can be written and has room, or name another file with --config.',
      cause: error,
    });
  }
}

function merge(config: ConfigFile, changes: ConfigChanges): ConfigFile {
  const { embedded, servers, tiers, baseline } = changes;
  return {
    ...config,
    ...(embedded && { embedded: { ...config.embedded, ...embedded } }),
    ...(servers && { servers: { ...config.servers, ...servers } }),
    ...(tiers && { tiers: { ...config.tiers, ...tiers } }),
    ...(baseline && { baseline: { ...config.baseline, ...baseline } }),
  };
}

function requireValid(config: ConfigFile): void {
  const checked = configSchema.safeParse(config);
  if (checked.success) return;
  throw new AppError('config.invalid', 'This would make the configuration invalid.', {
    problems: checked.error.issues.map(({ path, message }) => ({ path: path.join('.'), message })),
    hint: 'Nothing was written.',
  });
}

/** The file as it stands; `loadConfig` has checked it before. */
async function existing(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
