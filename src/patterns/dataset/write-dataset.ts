import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { AppError, messageOf } from '../../core/errors.ts';
import { datasetCard } from './card.ts';
import type { Dataset, Row } from './dataset.ts';

const TEXT = { type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' } as const;
const SCHEMA = [
  { name: 'root', num_children: 8 },
  { name: 'id', ...TEXT },
  {
    name: 'messages',
    repetition_type: 'REQUIRED',
    num_children: 1,
    converted_type: 'LIST',
    logical_type: { type: 'LIST' },
  },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  { name: 'element', repetition_type: 'REQUIRED', num_children: 2 },
  { name: 'role', ...TEXT },
  { name: 'content', ...TEXT },
  { name: 'category', ...TEXT },
  { name: 'group', ...TEXT },
  { name: 'confidence', type: 'DOUBLE', repetition_type: 'REQUIRED' },
  { name: 'uses', type: 'INT32', repetition_type: 'REQUIRED' },
  { name: 'verified', ...TEXT },
  { name: 'target', ...TEXT },
] as const;
const COLUMNS = [
  'id',
  'messages',
  'category',
  'group',
  'confidence',
  'uses',
  'verified',
  'target',
] as const satisfies readonly (keyof Row)[];

/**
 * Writes a data set as the Hugging Face hub has them: a Parquet file for each split, a README with
 * front matter, and a sample for a person to review. The folder is there whole or not at all.
 * @param name the folder as the user calls it
 * @throws AppError `patterns.exists` for a folder with something in it, `patterns.unwritable`
 */
export async function writeDataset(dataset: Dataset, folder: string, name: string): Promise<void> {
  const part = `${folder}.part`;
  try {
    if (existsSync(folder) && (await readdir(folder)).length > 0) {
      throw new AppError('patterns.exists', `${name} has something in it.`, {
        hint: 'Choose a folder that is empty or not there.',
      });
    }
    await rm(part, { recursive: true, force: true });
    await mkdir(path.join(part, 'data'), { recursive: true });
    for (const [split, rows] of Object.entries(dataset.splits)) {
      if (rows.length === 0) continue;
      await writeFile(path.join(part, 'data', `${split}.parquet`), parquetOf(rows));
    }
    await writeFile(path.join(part, 'README.md'), datasetCard(dataset));
    await writeFile(path.join(part, 'review-sample.jsonl'), sampleLines(dataset));
    await rm(folder, { recursive: true, force: true });
    await rename(part, folder);
  } catch (error) {
    await rm(part, { recursive: true, force: true }).catch(() => {});
    if (error instanceof AppError) throw error;
    throw new AppError('patterns.unwritable', `${name} cannot be written: ${messageOf(error)}`, {
      hint: 'Choose a folder in one that exists and can be written.',
      cause: error,
    });
  }
}

function parquetOf(rows: readonly Row[]): Uint8Array {
  const columnData = COLUMNS.map((column) => ({
    name: column,
    data: rows.map((row) => row[column]),
  }));
  return new Uint8Array(parquetWriteBuffer({ columnData, schema: [...SCHEMA] }));
}

function sampleLines({ sample }: Dataset): string {
  return sample.map((row) => `${JSON.stringify({ verdict: '', note: '', ...row })}\n`).join('');
}
