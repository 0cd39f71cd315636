import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../../src/storage/database.ts';
import { DIALECTS } from '../verify/dialects.ts';
import { FAULTS } from '../verify/fault-server.ts';
import { knows, playFault, warmUp } from '../verify/faults.ts';

let folder: string;
let database: Database;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'aqe-faults-'));
  database = openDatabase(folder);
  await warmUp(database);
});
afterAll(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

describe.each(DIALECTS)('$name', (dialect) => {
  it.concurrent.each(FAULTS.filter((fault) => knows(dialect, fault)))(
    'gives the whole answer or a typed error, each attempt recorded once: $name',
    async (fault) => {
      expect(await playFault(dialect, fault, database)).toEqual([]);
    },
  );
});
