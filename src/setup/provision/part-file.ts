import { open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import type { CatalogueEntry } from '../../config/catalogue.ts';
import { AppError, messageOf } from '../../core/errors.ts';
import { formatBytes } from '../bytes.ts';
import { sourceFailure, systemErrorCode } from './source-failure.ts';

const stateSchema = z.object({
  /** The file that the part belongs to. */
  sha256: z.string(),
  /** The server's mark of the version that the bytes are of. */
  etag: z.string().optional(),
  /** Packages wholly appended, and where the last of them ended. */
  packages: z.object({ done: z.number().int(), endOffset: z.number().int() }).optional(),
});
type PartState = z.infer<typeof stateSchema>;

/**
 * A model file on its way: bytes so far in `<path>`, what is needed to go on in `<path>.json`.
 * It survives a kill at any moment. One process at a time.
 */
export class PartFile {
  readonly path: string;
  readonly #entry: CatalogueEntry;
  readonly #handle: FileHandle;
  #state: PartState;
  #size: number;

  private constructor(
    path: string,
    entry: CatalogueEntry,
    handle: FileHandle,
    size: number,
    state: PartState,
  ) {
    this.path = path;
    this.#entry = entry;
    this.#handle = handle;
    this.#size = size;
    this.#state = state;
  }

  /** Opens what an earlier download left, or begins anew. */
  static async open(path: string, entry: CatalogueEntry): Promise<PartFile> {
    // 'a+' creates without truncating; writes go to the end of the file.
    const handle = await open(path, 'a+');
    const { size } = await handle.stat();
    const fresh: PartState = { sha256: entry.sha256 };
    const part = new PartFile(path, entry, handle, size, (await readState(path)) ?? fresh);
    if (part.#state.sha256 !== entry.sha256 || size > entry.bytes) await part.restart();
    return part;
  }

  /** Bytes so far. */
  get size(): number {
    return this.#size;
  }

  get state(): Readonly<PartState> {
    return this.#state;
  }

  /**
   * Writes at the end.
   * @throws AppError `model.disk-full` (the bytes so far stay), or a source failure when there are more bytes than the file has
   */
  async append(chunk: Uint8Array): Promise<void> {
    if (this.#size + chunk.length > this.#entry.bytes) {
      await this.restart();
      throw sourceFailure(`it gave more than the file's ${this.#entry.bytes} bytes`);
    }
    let written = 0;
    try {
      while (written < chunk.length) {
        const { bytesWritten } = await this.#handle.write(chunk, written);
        written += bytesWritten;
      }
    } catch (error) {
      throw writeFailure(error, this.path, this.#entry.bytes - this.#size);
    } finally {
      this.#size += written;
    }
  }

  /** Drops everything after `size`. */
  async truncate(size: number): Promise<void> {
    await this.#handle.truncate(size);
    this.#size = size;
  }

  /** Begins again from nothing. */
  async restart(): Promise<void> {
    await this.truncate(0);
    await this.#save({ sha256: this.#entry.sha256 });
  }

  /** Notes the server's mark of the version being fetched. */
  async noteEtag(etag: string | undefined): Promise<void> {
    if (etag === this.#state.etag) return;
    await this.#save({ sha256: this.#entry.sha256, ...(etag === undefined ? {} : { etag }) });
  }

  /**
   * Notes that so many packages are wholly in. It does not wait for the disk: after a power cut
   * the hash of the whole tells whether the bytes are there.
   */
  async notePackages(done: number): Promise<void> {
    await this.#save({ sha256: this.#entry.sha256, packages: { done, endOffset: this.#size } });
  }

  /** Forces the bytes to the disk. */
  async sync(): Promise<void> {
    try {
      await this.#handle.sync();
    } catch (error) {
      throw writeFailure(error, this.path, 0);
    }
  }

  /** Keeps the bytes for a later process. */
  async close(): Promise<void> {
    await this.#handle.close();
  }

  /** Removes the part at `path` and its state. */
  static async remove(path: string): Promise<void> {
    await rm(path, { force: true });
    await rm(statePath(path), { force: true });
  }

  async #save(state: PartState): Promise<void> {
    this.#state = state;
    const path = statePath(this.path);
    try {
      await writeFile(`${path}.new`, JSON.stringify(state));
      await rename(`${path}.new`, path);
    } catch (error) {
      throw writeFailure(error, path, this.#entry.bytes - this.#size);
    }
  }
}

function statePath(path: string): string {
  return `${path}.json`;
}

async function readState(path: string): Promise<PartState | undefined> {
  try {
    return stateSchema.parse(JSON.parse(await readFile(statePath(path), 'utf8')));
  } catch {
    return undefined;
  }
}

/** An error of writing as the user sees it: a full disk says how much is still to come. */
export function writeFailure(error: unknown, path: string, bytesLeft: number): AppError {
  const code = systemErrorCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new AppError(
      'model.disk-full',
      `The disk is full: ${path} needs ${formatBytes(bytesLeft)} more.`,
      {
        hint: 'Free some space and start again: the download goes on where it stopped. AQE_LLM_CACHE keeps models on another disk.',
        cause: error,
      },
    );
  }
  return new AppError('model.write-failed', `${path} cannot be written: ${messageOf(error)}`, {
    hint: 'Check the permissions of the folder, or keep models elsewhere with AQE_LLM_CACHE.',
    cause: error,
  });
}
