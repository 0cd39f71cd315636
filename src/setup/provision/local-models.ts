import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CatalogueEntry } from '../../config/catalogue.ts';
import type { ModelSettings } from '../model-folder.ts';
import type { ModelSource } from './provision-event.ts';

export interface LocalCandidate {
  source: ModelSource;
  path: string;
}

/**
 * Paths at which other programs may already keep the very same file. They are only read,
 * never changed; whether a file is there and right is for the verifier to say.
 */
export async function localCandidates(
  entry: CatalogueEntry,
  settings: ModelSettings,
): Promise<LocalCandidate[]> {
  const paths: LocalCandidate[] = settings.ollamaFolders.map((folder) => ({
    source: 'ollama',
    path: join(folder, 'blobs', `sha256-${entry.sha256}`),
  }));
  if (entry.huggingFace !== undefined) {
    const { repo, file } = entry.huggingFace;
    const folder = join(settings.huggingFace.cacheFolder, `models--${repo.replaceAll('/', '--')}`);
    const snapshots = await readdir(join(folder, 'snapshots')).catch(() => []);
    paths.push(
      // Large files are stored under their SHA-256; snapshots link to them, or are copies where links are not possible.
      { source: 'hugging-face-cache', path: join(folder, 'blobs', entry.sha256) },
      ...snapshots.map((revision): LocalCandidate => ({
        source: 'hugging-face-cache',
        path: join(folder, 'snapshots', revision, file),
      })),
    );
  }
  return paths;
}
