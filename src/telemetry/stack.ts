import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { AppError, messageOf } from '../core/errors.ts';

/** Prometheus, Grafana, dashboards and alerts, as they come with the package. */
const ASSETS = fileURLToPath(new URL('../../deploy/observability', import.meta.url));
/** Remembers what was written, so that a newer version can tell its own files from edited ones. */
const MANIFEST = '.written.json';
const SCRAPING = 'prometheus.yml';
/** Where Prometheus finds the gateway's key; nothing of ours writes one. */
export const KEY_FILE = 'gateway.key';

export interface StackOptions {
  /** Absolute. */
  folder: string;
  /** Whether files that were changed since they were written are replaced. */
  force: boolean;
  gateway: { host: string; port: number; apiKeyEnv?: string | undefined };
  servers: Readonly<Record<string, { kind: string; url: string }>>;
}

export interface StackFile {
  /** Relative to the folder. */
  path: string;
  state: 'new' | 'updated' | 'unchanged';
}

/**
 * Writes the files of `docker compose up` for what the configuration has. All of them or, where one
 * was edited, none.
 * @throws AppError `setup.files-changed` with each edited file; `setup.not-written`
 */
export async function writeStack(options: StackOptions): Promise<StackFile[]> {
  const { folder, force } = options;
  try {
    const wanted = new Map([...(await assets()), ...targetFiles(options)]);
    const scraping = wanted.get(SCRAPING) ?? '';
    if (options.gateway.apiKeyEnv !== undefined) wanted.set(SCRAPING, withKey(scraping));
    const written = await readManifest(folder);
    const files: (StackFile & { edited: boolean })[] = [];
    for (const [file, content] of wanted) {
      const present = await readIfThere(path.join(folder, file));
      const state = present === undefined ? 'new' : present === content ? 'unchanged' : 'updated';
      const edited = state === 'updated' && written[file] !== hashOf(present ?? '');
      files.push({ path: file, state, edited });
    }
    refuseEdited(files, folder, force);
    for (const { path: file, state } of files) {
      if (state !== 'unchanged') await replaceFile(path.join(folder, file), wanted.get(file) ?? '');
    }
    const hashes = [...wanted].map(([file, content]) => [file, hashOf(content)]);
    await replaceFile(
      path.join(folder, MANIFEST),
      `${JSON.stringify(Object.fromEntries(hashes), null, 2)}\n`,
    );
    return files.map(({ path: file, state }) => ({ path: file, state }));
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('setup.not-written', `${folder} cannot be written: ${messageOf(error)}`, {
      hint: 'Check that it is a folder that can be written and has room, or name another with --out.',
      cause: error,
    });
  }
}

function refuseEdited(
  files: readonly (StackFile & { edited: boolean })[],
  folder: string,
  force: boolean,
): void {
  const edited = files.filter((file) => file.edited);
  if (force || edited.length === 0) return;
  throw new AppError('setup.files-changed', `Files in ${folder} were changed.`, {
    problems: edited.map((file) => ({
      path: file.path,
      message: 'is not as it was written',
    })),
    hint: 'Nothing was written. --force replaces them; --out <folder> writes somewhere else.',
  });
}

async function assets(): Promise<[string, string][]> {
  const entries = await readdir(ASSETS, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(ASSETS, path.join(entry.parentPath, entry.name)))
    .toSorted();
  return Promise.all(
    files.map(async (file): Promise<[string, string]> => [
      file.split(path.sep).join('/'),
      await readFile(path.join(ASSETS, file), 'utf8'),
    ]),
  );
}

/** Who Prometheus asks, in the form of its file-based discovery. Ollama and Anthropic have no metrics. */
function targetFiles({ gateway, servers }: StackOptions): [string, string][] {
  const modelServers = Object.entries(servers)
    .filter(([, { kind, url }]) => kind === 'openai-compatible' && URL.canParse(url))
    .map(([name, { url }]) => {
      const { host, protocol, pathname } = new URL(url);
      const port = /:\d+$/.test(host) ? '' : protocol === 'https:' ? ':443' : ':80';
      return {
        targets: [`${host}${port}`],
        labels: {
          server: name,
          __scheme__: protocol.slice(0, -1),
          __metrics_path__: `${pathname.replace(/\/+$/, '')}/metrics`,
        },
      };
    });
  return [
    ['targets/gateway.json', json([{ targets: [reachable(gateway)], labels: {} }])],
    ['targets/model-servers.json', json(modelServers)],
  ];
}

/** A gateway that asks for a key asks Prometheus too. */
function withKey(scraping: string): string {
  const job = '  - job_name: aqe-llm\n';
  return scraping.replace(job, `${job}    authorization:\n      credentials_file: ${KEY_FILE}\n`);
}

/** Where a gateway that listens everywhere is found from its own machine. */
function reachable({ host, port }: StackOptions['gateway']): string {
  if (host === '0.0.0.0') return `127.0.0.1:${port}`;
  if (host === '::') return `[::1]:${port}`;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

const manifestSchema = z.record(z.string(), z.string());

/** A manifest that cannot be read vouches for no file. */
async function readManifest(folder: string): Promise<Record<string, string>> {
  const text = await readIfThere(path.join(folder, MANIFEST));
  try {
    return manifestSchema.catch({}).parse(JSON.parse(text ?? '{}'));
  } catch {
    return {};
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

async function replaceFile(file: string, content: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(`${file}.new`, content);
  await rename(`${file}.new`, file);
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function hashOf(content: string): string {
  return createHash('sha256').update(content).digest('hex');
}
