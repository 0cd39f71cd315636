import type { CatalogueEntry } from '../config/catalogue.ts';
import { AppError } from '../core/errors.ts';
import type { Hardware } from './hardware.ts';
import { formatBytes } from './bytes.ts';

/** Room a download needs beyond the file itself. */
export const DISK_HEADROOM = 1.05;

export interface ModelChoice {
  entry: CatalogueEntry;
  /** Why an abler model was passed over; empty for the first choice. */
  passedOver: readonly string[];
}

/**
 * The ablest model that fits in memory and on disk: the default, else the next smaller one.
 * @param present ids of models already on this machine, which need no disk
 * @throws AppError `model.none-fits` saying what is needed and what was found
 */
export function chooseModel(
  hardware: Hardware,
  catalogue: readonly CatalogueEntry[],
  present: ReadonlySet<string> = new Set(),
): ModelChoice {
  const passedOver: string[] = [];
  const candidates = catalogue
    .filter((entry) => !entry.testsOnly)
    .sort((a, b) => Number(b.isDefault) - Number(a.isDefault) || b.bytes - a.bytes);
  for (const entry of candidates) {
    const lacks = lacking(entry, hardware, present.has(entry.id));
    if (lacks.length === 0) return { entry, passedOver };
    passedOver.push(`${entry.id} ${lacks.join(' and ')}`);
  }
  throw new AppError(
    'model.none-fits',
    `No model of the catalogue fits this machine: ${passedOver.join('; ')}.`,
    {
      hint: 'Free memory or disk, keep models on another disk with AQE_LLM_CACHE, or use a smaller GGUF file that you have: --model ./<file>.gguf.',
    },
  );
}

function lacking(entry: CatalogueEntry, hardware: Hardware, isPresent: boolean): string[] {
  const lacks: string[] = [];
  const { availableBytes } = hardware.memory;
  if (availableBytes < entry.memoryBytes) {
    lacks.push(
      `needs ${formatBytes(entry.memoryBytes)} of memory (${formatBytes(availableBytes)} available)`,
    );
  }
  const diskBytes = entry.bytes * DISK_HEADROOM;
  if (!isPresent && hardware.freeDiskBytes < diskBytes) {
    lacks.push(
      `needs ${formatBytes(diskBytes)} of disk (${formatBytes(hardware.freeDiskBytes)} free)`,
    );
  }
  return lacks;
}
