import { appendFile, readFile, truncate } from 'node:fs/promises';
import { z } from 'zod';
import { AppError, messageOf } from '../../core/errors.ts';
import type { Recording } from '../../providers/replay/recording.ts';

/** First line of a recording: whose answers, and to what. */
const headerSchema = z.strictObject({
  schema: z.literal('aqe-llm/recording@1'),
  /** Provider and model, `anthropic:claude-sonnet-5-5`. */
  provider: z.string(),
  suite: z.string(),
  /** Of the suite when the recording was begun; answers are found by their prompts, not by it. */
  suiteHash: z.string(),
  seed: z.int(),
  maxTokens: z.int(),
  temperature: z.number(),
});
export type RecordingHeader = z.infer<typeof headerSchema>;

const count = z.int().min(0);
/** Each further line: one answer. */
const answerSchema = z.object({
  task: z.string(),
  repeat: count,
  /** What the answer is found by: provider, prompt and sampling. */
  key: z.string(),
  answeredAt: z.string(),
  recording: z.object({
    completion: z.object({
      model: z.string(),
      text: z.string(),
      finishReason: z.enum(['stop', 'length', 'tool-calls', 'cancelled']),
      usage: z.object({
        inputTokens: count.optional(),
        outputTokens: count.optional(),
        cachedInputTokens: count.optional(),
        cacheWriteTokens: count.optional(),
        cacheWriteHourTokens: count.optional(),
        reasoningTokens: count.optional(),
      }),
      timing: z.object({
        ttftMs: z.number().optional(),
        totalMs: z.number().optional(),
        measured: z.boolean(),
      }),
    }),
    looped: z.boolean(),
  }),
});

export interface RecordedAnswer {
  task: string;
  repeat: number;
  key: string;
  answeredAt: string;
  recording: Recording;
}

/** Whether `replay:<name>` names a file. */
export function isRecordingFile(name: string): boolean {
  return name.endsWith('.jsonl');
}

/**
 * Reads a file of answers.
 * @throws AppError `baseline.bad-recording` naming the line
 */
export async function readRecordings(
  file: string,
): Promise<{ header: RecordingHeader; recordings: Map<string, Recording> }> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new AppError('baseline.bad-recording', `${file} cannot be read: ${messageOf(error)}`, {
      hint: 'Write it with: aqe-llm baseline record <provider>:<model> --out <file>.jsonl',
      cause: error,
    });
  });
  const [first = '', ...lines] = text.split('\n').filter((line) => line.trim() !== '');
  const header = parse(file, 1, first, headerSchema);
  const recordings = new Map<string, Recording>();
  for (const [index, line] of lines.entries()) {
    const { key, recording } = parse(file, index + 2, line, answerSchema);
    recordings.set(key, fromFile(recording));
  }
  return { header, recordings };
}

/** Absent keys stay absent. */
function fromFile({ completion, looped }: z.infer<typeof answerSchema>['recording']): Recording {
  const recording: Recording = JSON.parse(JSON.stringify({ completion, looped }));
  return recording;
}

function parse<T>(file: string, line: number, text: string, schema: z.ZodType<T>): T {
  let problem: string;
  try {
    const result = schema.safeParse(JSON.parse(text));
    if (result.success) return result.data;
    const [issue] = result.error.issues;
    problem = `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`;
  } catch (error) {
    problem = messageOf(error);
  }
  throw new AppError('baseline.bad-recording', `${file}, line ${line}: ${problem}`, {
    hint: 'A recording has a header and one answer a line, as `aqe-llm baseline record` writes them.',
  });
}

/** A recording that grows: what it holds already, and where further answers go. */
export interface GrowingRecording {
  has(key: string): boolean;
  append(answer: RecordedAnswer): Promise<void>;
}

/**
 * Begins a recording, or goes on with the one that is there; a last line that was cut off is dropped.
 * @throws AppError `baseline.other-recording` when the file is of another provider or sampling
 */
export async function openRecording(
  file: string,
  header: RecordingHeader,
): Promise<GrowingRecording> {
  const known = await existing(file, header);
  if (known === undefined) await write(file, `${JSON.stringify(header)}\n`);
  const keys = new Set(known);
  let last: Promise<void> = Promise.resolve();
  return {
    has: (key) => keys.has(key),
    append: (answer) => {
      keys.add(answer.key);
      // One line after the other, however many answers come at once.
      last = last.then(() => write(file, `${JSON.stringify(answer)}\n`));
      return last;
    },
  };
}

async function existing(file: string, header: RecordingHeader): Promise<string[] | undefined> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw notWritten(file, error);
  });
  if (text === undefined || text === '') return undefined;
  const end = text.lastIndexOf('\n') + 1;
  if (end < text.length) await truncate(file, Buffer.byteLength(text.slice(0, end)));
  if (end === 0) return undefined;
  const { header: found, recordings } = await readRecordings(file);
  for (const name of ['provider', 'seed', 'maxTokens', 'temperature'] as const) {
    if (found[name] !== header[name]) {
      throw new AppError(
        'baseline.other-recording',
        `${file} is a recording with ${name} ${found[name]}, not ${header[name]}.`,
        { hint: 'Write to another file, or give what it was recorded with.' },
      );
    }
  }
  return [...recordings.keys()];
}

async function write(file: string, text: string): Promise<void> {
  await appendFile(file, text).catch((error: unknown) => {
    throw notWritten(file, error);
  });
}

function notWritten(file: string, cause: unknown): AppError {
  return new AppError('baseline.recording-not-written', `${file}: ${messageOf(cause)}`, {
    hint: 'What was recorded before is kept: make room or name another file, and run the same again.',
    cause,
  });
}
