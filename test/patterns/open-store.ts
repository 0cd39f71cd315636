import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { createSqliteStore } from '../../src/patterns/sqlite-store.ts';
import type { PatternStore } from '../../src/patterns/store.ts';
import { openDatabase } from '../../src/storage/database.ts';

export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'aqe-patterns-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface OpenStore {
  store: PatternStore;
  troubles: string[];
}

/** A store of a real state folder; closed with the test unless the test did it. */
export function openStore(folder: string): OpenStore {
  const troubles: string[] = [];
  const database = openDatabase(folder);
  const store = createSqliteStore({
    database,
    folder,
    onTrouble: (message) => void troubles.push(message),
  });
  onTestFinished(() => (database.open ? store.close() : undefined));
  return { store, troubles };
}
