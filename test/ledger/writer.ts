import { writeSync } from 'node:fs';
import { createLedger } from '../../src/ledger/sqlite-ledger.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { newAttempt, newEnding, newRequest } from './records.ts';

/** A process of its own: writes requests without a pause, and says of each write when it is done. */
const [folder = '', name = '', acknowledge = ''] = process.argv.slice(2);
const database = openDatabase(folder);
// The control: all it writes is part of a transaction that never ends.
if (acknowledge === 'before-commit') database.exec('BEGIN');
const ledger = createLedger(database);
for (let index = 0; ; index++) {
  const id = `${name}-${index}`;
  ledger.begin(newRequest({ id, at: Date.now() }));
  say(`began ${id}`);
  ledger.attempt(id, 0, newAttempt({ outcome: 'overloaded', usd: 0.25 }));
  say(`tried ${id}`);
  ledger.end(id, newEnding(), [newAttempt({ number: 1, usd: 0.5 })]);
  say(`ended ${id}`);
}

/** Returns when the line is out of this process, however full the pipe is. */
function say(line: string): void {
  let left = Buffer.from(`${line}\n`);
  while (left.length > 0) {
    try {
      left = left.subarray(writeSync(1, left));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
    }
  }
}
