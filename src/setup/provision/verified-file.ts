import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { CatalogueEntry } from '../../config/catalogue.ts';
import { messageOf } from '../../core/errors.ts';
import type { ModelSettings } from '../model-folder.ts';

export type Verification =
  | { state: 'verified' }
  /** No such file. */
  | { state: 'absent' }
  | { state: 'mismatch'; reason: string };

const memoSchema = z.object({ bytes: z.number(), mtimeMs: z.number(), sha256: z.string() });

/** The verifier whose memory lies in our cache. */
export function createVerifier(settings: ModelSettings): FileVerifier {
  return new FileVerifier(join(settings.cacheFolder, 'verified'));
}

/** Remembers hashes of files by size and modification time, so that a start does not read a gigabyte again. */
export class FileVerifier {
  readonly #memoFolder: string;

  /** @param memoFolder holds one small file for each model file that was hashed */
  constructor(memoFolder: string) {
    this.#memoFolder = memoFolder;
  }

  /** Compares size and SHA-256 with the catalogue's. Rejects with the signal's reason on abort. */
  async verify(path: string, entry: CatalogueEntry, signal?: AbortSignal): Promise<Verification> {
    let found;
    try {
      found = await stat(path);
    } catch {
      return { state: 'absent' };
    }
    if (!found.isFile()) return { state: 'mismatch', reason: 'it is not a file' };
    if (found.size !== entry.bytes) {
      return { state: 'mismatch', reason: `it has ${found.size} bytes, not ${entry.bytes}` };
    }
    const memo = await this.#recall(path);
    let sha256 =
      memo?.mtimeMs === found.mtimeMs && memo.bytes === found.size ? memo.sha256 : undefined;
    if (sha256 === undefined) {
      try {
        sha256 = await sha256Of(path, signal);
      } catch (error) {
        signal?.throwIfAborted();
        return { state: 'mismatch', reason: `it cannot be read (${messageOf(error)})` };
      }
      await this.#remember(path, { bytes: found.size, mtimeMs: found.mtimeMs, sha256 });
    }
    if (sha256 === entry.sha256) return { state: 'verified' };
    return { state: 'mismatch', reason: `its SHA-256 is ${sha256}, not ${entry.sha256}` };
  }

  /** The file was moved: what is known of it moves along. */
  async noteMove(from: string, to: string): Promise<void> {
    const memo = await this.#recall(from);
    await this.forget(from);
    if (memo !== undefined) await this.#remember(to, memo);
  }

  /** The file was removed. */
  async forget(path: string): Promise<void> {
    await rm(this.#memoPath(path), { force: true });
  }

  #memoPath(path: string): string {
    const name = createHash('sha256').update(resolve(path)).digest('hex').slice(0, 32);
    return join(this.#memoFolder, `${name}.json`);
  }

  async #recall(path: string): Promise<z.infer<typeof memoSchema> | undefined> {
    try {
      return memoSchema.parse(JSON.parse(await readFile(this.#memoPath(path), 'utf8')));
    } catch {
      return undefined;
    }
  }

  async #remember(path: string, memo: z.infer<typeof memoSchema>): Promise<void> {
    try {
      await mkdir(this.#memoFolder, { recursive: true });
      await writeFile(this.#memoPath(path), JSON.stringify(memo));
    } catch {
      // A read-only cache still works; the next start hashes again.
    }
  }
}

async function sha256Of(path: string, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash('sha256');
  const stream = createReadStream(path, { highWaterMark: 1 << 20, signal });
  for await (const chunk of stream) hash.update(z.instanceof(Buffer).parse(chunk));
  return hash.digest('hex');
}
