import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { killWriters } from './killed-writers.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'aqe-ledger-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

it('keeps what was acknowledged when writers are killed, and knows what they left', async () => {
  const { acknowledged, problems } = await killWriters(folder, [
    { name: 'a', killAfterLines: 120 },
    { name: 'b', killAfterLines: 61 },
  ]);
  expect(problems).toEqual([]);
  expect(acknowledged).toBeGreaterThan(180);
});

it('would see a loss', async () => {
  const hasty = { name: 'a', killAfterLines: 9, acknowledge: 'before-commit' } as const;
  const { acknowledged, problems } = await killWriters(folder, [hasty]);
  expect(problems.length).toBe(acknowledged);
});
