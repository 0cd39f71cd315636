import { rmSync, statSync } from 'node:fs';
import { z } from 'zod';
import { AppError, messageOf } from '../../core/errors.ts';
import type { BatchInput } from './input.ts';
import { LineFile, type Place } from './line-file.ts';
import {
  groupSchema,
  resultOf,
  writtenSchema,
  type BatchResult,
  type GroupOutcome,
} from './result.ts';

/** Requests that wait at a provider for its batch to end. */
export interface SubmittedBatch {
  id: string;
  target: string;
  /** Milliseconds since the Unix epoch. */
  at: number;
  /** The lines that were sent, each of which may stand for others that are the same. */
  lines: readonly number[];
}

/** How many lines have their result. */
export interface BatchTally {
  done: number;
  failed: number;
  /** Lines that were given the answer of another line. */
  merged: number;
  /** US dollars of the answers, as far as prices are known. */
  usd: number;
}

/**
 * The output of a batch, in the order of its input. What is answered before its turn waits in a
 * journal beside the output (`<output>.aqe-batch`), which goes away when the last line is written.
 * What was recorded outlives the process. Each method throws AppError `batch.unwritable`.
 */
export interface BatchFile {
  readonly tally: Readonly<BatchTally>;
  /** Provider batches whose answers were not all seen yet. */
  readonly submitted: readonly SubmittedBatch[];
  has(line: number): boolean;
  /** Once for each line. */
  record(group: GroupOutcome): void;
  recordSubmitted(batch: SubmittedBatch): void;
  /** The output is whole: removes the journal. */
  finish(): void;
  close(): void;
}

const headerSchema = z.strictObject({ batch: z.literal(1), input: z.string() });
const submittedSchema = z.strictObject({
  submitted: z.strictObject({
    id: z.string(),
    target: z.string(),
    at: z.number(),
    lines: z.array(z.int().min(1)),
  }),
});

export function journalOf(output: string): string {
  return `${output}.aqe-batch`;
}

/**
 * Begins an output, or goes on with the one that a stopped run of the same input left.
 * @param force replaces whatever is there
 * @throws AppError `batch.exists`, `batch.input-changed`, `batch.output-changed` or `batch.unwritable`
 */
export function openBatchFile(
  path: string,
  { lines, sha256 }: BatchInput,
  { force = false }: { force?: boolean } = {},
): BatchFile {
  const journalPath = journalOf(path);
  const tally: BatchTally = { done: 0, failed: 0, merged: 0, usd: 0 };
  const submitted: SubmittedBatch[] = [];
  /** Answered before their turn: where in the journal. */
  const ahead = new Map<number, Place>();
  /** Lines that stand in the output. */
  let written = 0;
  const numbers = new Map(lines.map(({ line }, index) => [line, index]));

  const guard = <Result>(work: () => Result): Result => {
    try {
      return work();
    } catch (error) {
      throw error instanceof AppError ? error : unwritable(path, error);
    }
  };

  function refuseStranger(): void {
    if (!hasContent(path) || hasContent(journalPath)) return;
    throw new AppError('batch.exists', `${path} is there already, and no unfinished batch.`, {
      hint: 'Name another output, or replace it with --force.',
    });
  }

  function count({ ok, sameAs }: Pick<BatchResult, 'ok' | 'sameAs'>, usd = 0): void {
    tally.done += 1;
    if (!ok) tally.failed += 1;
    if (sameAs !== undefined) tally.merged += 1;
    tally.usd += usd;
  }

  /** Its lines wait at that place of the journal. */
  function wait(group: GroupOutcome, place: Place): void {
    for (const number of group.lines) {
      const line = lines[numbers.get(number) ?? -1];
      if (line === undefined) throw changed(journalPath);
      const result = resultOf(line, group);
      count(result, result.ok ? result.answer.usd : 0);
      ahead.set(number, place);
    }
  }

  function readJournal(): void {
    let header = true;
    for (const { text, place } of journal.readAll()) {
      const json = parseJson(text);
      if (header) {
        const parsed = headerSchema.safeParse(json);
        if (!parsed.success) throw changed(journalPath);
        if (parsed.data.input !== sha256) throw inputChanged(path);
        header = false;
        continue;
      }
      const batch = submittedSchema.safeParse(json);
      if (batch.success) {
        submitted.push(batch.data.submitted);
        continue;
      }
      const group = groupSchema.safeParse(json);
      if (!group.success) throw changed(journalPath);
      wait(group.data, place);
    }
    // Also where a process was killed while it wrote the first line.
    if (header) journal.append(JSON.stringify({ batch: 1, input: sha256 }));
  }

  function readOutput(): void {
    for (const { text } of output.readAll()) {
      const parsed = writtenSchema.safeParse(parseJson(text));
      const line = lines[written];
      if (!parsed.success || line?.line !== parsed.data.line || line.id !== parsed.data.id) {
        throw changed(path);
      }
      // Else it came by way of the journal, and was counted there.
      if (!ahead.delete(line.line)) count(parsed.data, parsed.data.answer?.usd);
      written += 1;
    }
  }

  /** Moves what has got its turn into the output. */
  function advance(): void {
    while (true) {
      const line = lines[written];
      const place = line && ahead.get(line.line);
      if (line === undefined || place === undefined) return;
      const group = groupSchema.parse(JSON.parse(journal.read(place)));
      output.append(JSON.stringify(resultOf(line, group)));
      ahead.delete(line.line);
      written += 1;
    }
  }

  if (force) guard(() => [path, journalPath].forEach((it) => rmSync(it, { force: true })));
  refuseStranger();
  const journal = guard(() => new LineFile(journalPath));
  const output = guard(() => new LineFile(path));
  try {
    guard(() => {
      readJournal();
      readOutput();
      advance();
    });
  } catch (error) {
    journal.close();
    output.close();
    throw error;
  }
  return {
    tally,
    submitted,
    has: (line) => (numbers.get(line) ?? Infinity) < written || ahead.has(line),
    record: (group) =>
      guard(() => {
        const [first] = group.lines;
        const next = lines[written];
        if (next !== undefined && first === next.line && group.lines.length === 1) {
          const result = resultOf(next, group);
          output.append(JSON.stringify(result));
          written += 1;
          count(result, result.ok ? result.answer.usd : 0);
        } else {
          // One line of the journal for all of them: a killed process leaves all or none.
          wait(group, journal.append(JSON.stringify(group)));
        }
        advance();
      }),
    recordSubmitted: (batch) =>
      guard(() => {
        journal.append(JSON.stringify({ submitted: batch }));
        // It costs money: not even a machine that fails now may forget it.
        journal.sync();
        submitted.push(batch);
      }),
    finish: () =>
      guard(() => {
        output.sync();
        rmSync(journalPath, { force: true });
      }),
    close() {
      journal.close();
      output.close();
    },
  };
}

function hasContent(path: string): boolean {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function inputChanged(path: string): AppError {
  return new AppError('batch.input-changed', `${path} belongs to a batch of another input.`, {
    hint: 'Undo the change of the input to go on, or begin anew with --force.',
  });
}

function changed(path: string): AppError {
  return new AppError('batch.output-changed', `${path} is not as the batch left it.`, {
    hint: 'Begin anew with --force.',
  });
}

function unwritable(path: string, cause: unknown): AppError {
  return new AppError('batch.unwritable', `${path} cannot be written: ${messageOf(cause)}`, {
    hint: 'Make room or give this user the right to write there, then run the same command again: what was answered is kept.',
    cause,
  });
}
