import { createReadStream } from 'node:fs';
import path from 'node:path';
import { AppError, messageOf } from '../../../core/errors.ts';
import type { Host } from '../../main.ts';

const STANDARD_INPUT = '-';
/** A prompt beyond this is a mistake: no context window holds as much. */
const MOST_BYTES = 16 * 1024 * 1024;

/**
 * The prompt as it is asked for: the words, then each file under its name. Without words and files,
 * or with `-`, standard input is read.
 * @throws AppError `usage.missing-argument`, `route.prompt-empty`, `-unreadable`, `-too-long`, `-not-text`
 */
export async function readPrompt(
  words: string | undefined,
  files: readonly string[],
  { cwd, stdin }: Pick<Host, 'cwd' | 'stdin'>,
): Promise<string> {
  const isAlone = words === undefined && files.length === 0;
  if (isAlone && stdin.isTTY) {
    throw new AppError('usage.missing-argument', 'There is no prompt.', {
      hint: 'Put it in quotes: aqe-llm route "…". For a conversation: aqe-llm route chat',
    });
  }
  const readsInput = isAlone || words === STANDARD_INPUT;
  if (files.filter((file) => file === STANDARD_INPUT).length + (readsInput ? 1 : 0) > 1) {
    throw new AppError('usage.invalid-argument', 'Standard input can be read once only.');
  }
  const parts = [readsInput ? await readText(stdin, 'standard input') : (words ?? '')];
  for (const file of files) {
    const isInput = file === STANDARD_INPUT;
    const source = isInput ? stdin : createReadStream(path.resolve(cwd, file));
    const text = await readText(source, isInput ? 'standard input' : file);
    parts.push(isInput ? fenced(text) : `${file}:\n${fenced(text)}`);
  }
  const prompt = parts.filter((part) => part.trim() !== '').join('\n\n');
  if (prompt === '') throw new AppError('route.prompt-empty', 'The prompt is empty.');
  return prompt;
}

async function readText(source: AsyncIterable<unknown>, name: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of source) {
      const piece = chunk instanceof Uint8Array ? chunk : Buffer.from(String(chunk));
      bytes += piece.length;
      if (bytes > MOST_BYTES) break;
      chunks.push(piece);
    }
  } catch (error) {
    const message = `${name} cannot be read: ${messageOf(error)}`;
    throw new AppError('route.prompt-unreadable', message, { cause: error });
  }
  if (bytes > MOST_BYTES) {
    throw new AppError('route.prompt-too-long', `${name} has more than 16 MiB.`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch (error) {
    throw new AppError('route.prompt-not-text', `${name} is no UTF-8 text.`, { cause: error });
  }
}

/** Between fences longer than any inside. */
function fenced(text: string): string {
  const longest = Math.max(2, ...(text.match(/`{3,}/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}\n${text.endsWith('\n') ? text : `${text}\n`}${fence}`;
}
