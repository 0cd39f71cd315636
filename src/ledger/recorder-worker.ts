import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { openDatabase } from '../storage/database.ts';
import { withStorage } from '../storage/failure.ts';
import { apply, type Write } from './recorder.ts';
import { failureOf, type FromWriter, type ToWriter, type WriterData } from './recorder-protocol.ts';
import { createLedger } from './sqlite-ledger.ts';

/** The thread of `recordApart`. */
function run({ stateFolder, lockMs }: WriterData): void {
  const port = parentPort;
  if (port === null) throw new Error('This module runs as a thread only.');
  const database = openDatabase(stateFolder, { lockMs });
  const ledger = createLedger(database);

  const together = database.transaction((writes: readonly Write[]) => {
    for (const write of writes) apply(ledger, write);
  });

  function failuresOf(writes: readonly Write[]): FromWriter['failed'] {
    try {
      withStorage(() => together.immediate(writes));
      return [];
    } catch {
      // Nothing of it was kept. Alone, each write has its own success or failure.
      return writes.flatMap((write, place) => {
        try {
          apply(ledger, write);
          return [];
        } catch (error) {
          return [{ place, failure: failureOf(error) }];
        }
      });
    }
  }

  port.on('message', (first: ToWriter) => {
    const writes: Write[] = [];
    let closing = false;
    let next: { message: ToWriter } | undefined = { message: first };
    while (next !== undefined) {
      if (next.message === 'close') closing = true;
      else if (next.message === 'checkpoint') database.pragma('wal_checkpoint(PASSIVE)');
      else writes.push(...next.message);
      next = receiveMessageOnPort(port);
    }
    if (writes.length > 0) {
      const told: FromWriter = { done: writes.length, failed: failuresOf(writes) };
      port.postMessage(told);
    }
    if (!closing) return;
    database.close();
    port.close();
  });
}

run(workerData);
