import { Worker } from 'node:worker_threads';
import { compiledEntry } from '../core/compiled-entry.ts';
import { AppError } from '../core/errors.ts';
import type { Database } from '../storage/database.ts';
import { apply, recorderBy, type Recorder, type Write } from './recorder.ts';
import { createLedger } from './sqlite-ledger.ts';
import { errorOf, type FromWriter, type ToWriter, type WriterData } from './recorder-protocol.ts';

interface Waiting {
  resolve: () => void;
  reject: (error: Error) => void;
}

/** Writes in the caller's thread after which the other one moves them from the journal into the database. */
const CHECKPOINT_AFTER = 500;

/** One life of the thread. */
interface Writer {
  /** Writes that the thread has, the oldest first. */
  waiting: Waiting[];
  send(message: ToWriter): void;
  ended: Promise<void>;
}

/**
 * Writes in a thread of its own while several requests are under way, so that none of them is held
 * up by the disk or by another's write. What is waiting goes into one transaction: the more there is
 * to write, the less each write costs. A single request is written `here`, where it waits for no
 * other thread: only the checkpoints that it would have to wait for are the thread's. A thread that dies fails what it had, and the next write starts another.
 */
export function recordApart(data: WriterData, database: Database): Recorder {
  const here = createLedger(database);
  database.pragma('wal_autocheckpoint = 0');
  let writer: Writer | undefined;
  let gathered: Write[] = [];
  let gatheredBy: Waiting[] = [];
  let requests = 0;
  let unmoved = 0;

  function start(): Writer {
    const thread = new Worker(compiledEntry(import.meta.url, './recorder-worker.js'), {
      workerData: data,
      execArgv: [],
    });
    const waiting: Waiting[] = [];
    let why = new AppError('storage.unusable', 'The thread that writes the ledger has ended.');
    thread.on('message', ({ done, failed }: FromWriter) => {
      const settled = waiting.splice(0, done);
      for (const { place, failure } of failed) settled[place]?.reject(errorOf(failure));
      for (const { resolve } of settled) resolve();
    });
    thread.on('error', (error) => {
      why = new AppError('storage.unusable', `The ledger cannot be written: ${String(error)}`);
    });
    const ended = new Promise<void>((resolve) => {
      thread.once('exit', () => {
        if (writer?.ended === ended) writer = undefined;
        for (const { reject } of waiting) reject(why);
        resolve();
      });
    });
    return {
      waiting,
      ended,
      send: (message) => thread.postMessage(message, []),
    };
  }

  /** What came within one turn of the event loop goes over together. */
  function handOver(): void {
    if (gathered.length === 0) return;
    writer ??= start();
    writer.waiting.push(...gatheredBy);
    writer.send(gathered);
    gathered = [];
    gatheredBy = [];
  }

  function writeHere(write: Write): void {
    apply(here, write);
    unmoved += 1;
    if (unmoved < CHECKPOINT_AFTER) return;
    unmoved = 0;
    writer ??= start();
    writer.send('checkpoint');
  }

  function writeApart(write: Write): Promise<void> {
    return new Promise((resolve, reject) => {
      if (gathered.length === 0) setImmediate(handOver);
      gathered.push(write);
      gatheredBy.push({ resolve, reject });
    });
  }

  async function writeEither(what: Write): Promise<void> {
    const isAlone = requests <= 1 && gathered.length === 0 && (writer?.waiting.length ?? 0) === 0;
    if (isAlone) writeHere(what);
    else await writeApart(what);
  }

  return recorderBy(
    async (what) => {
      if (what.method === 'begin') requests += 1;
      if (what.method === 'end') requests -= 1;
      try {
        await writeEither(what);
      } catch (error) {
        // What could not begin will not end.
        if (what.method === 'begin') requests -= 1;
        throw error;
      }
    },
    async () => {
      handOver();
      writer?.send('close');
      await writer?.ended;
    },
  );
}
