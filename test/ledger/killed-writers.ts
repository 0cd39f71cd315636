import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createLedger } from '../../src/ledger/sqlite-ledger.ts';
import { openDatabase } from '../../src/storage/database.ts';

interface Writer {
  name: string;
  killAfterLines: number;
  /** `before-commit` breaks the promise, to show that it would be seen. */
  acknowledge?: 'before-commit';
}

interface KilledWriters {
  /** Writes that were said to be done. */
  acknowledged: number;
  /** Requests that were under way when their writer was killed, and are interrupted now. */
  interrupted: number;
  /** What is not as it was said to be; nothing where all is well. */
  problems: string[];
}

/**
 * Kills processes (SIGKILL) that write into one state folder at once, each after about as many
 * lines as told, and looks whether everything they had acknowledged is there.
 */
export async function killWriters(
  folder: string,
  writers: readonly Writer[],
): Promise<KilledWriters> {
  const said = await Promise.all(writers.map((writer) => writeAndDie(folder, writer)));
  const database = openDatabase(folder);
  try {
    const ledger = createLedger(database);
    const interrupted = ledger.markInterrupted(isAlive);
    const problems: string[] = [];
    const lines = said.flat();
    const ended = new Set(lines.flatMap(([word, id]) => (word === 'ended' ? id : [])));
    for (const [word, id] of lines) {
      const request = ledger.find(id);
      const attempts = request?.attempts.length ?? 0;
      if (request === undefined) problems.push(`${id} is lost`);
      else if (word === 'tried' && attempts < 1) problems.push(`the attempt of ${id} is lost`);
      else if (word === 'ended' && (request.state !== 'answered' || request.usd !== 0.75)) {
        problems.push(`${id} is ${request.state} and costs ${request.usd}`);
      } else if (!ended.has(id) && !['answered', 'interrupted'].includes(request.state)) {
        problems.push(`${id} is ${request.state}`);
      }
    }
    const running = ledger.history({ states: ['running'], limit: 1 }).length;
    if (running > 0) problems.push('some still run');
    const integrity = database.pragma('integrity_check', { simple: true });
    if (integrity !== 'ok') problems.push(String(integrity));
    return { acknowledged: lines.length, interrupted, problems };
  } finally {
    database.close();
  }
}

/** What the writer said before it died: pairs of `began`, `tried` or `ended` and the id. */
async function writeAndDie(
  folder: string,
  { name, killAfterLines, acknowledge }: Writer,
): Promise<[string, string][]> {
  const script = fileURLToPath(new URL('writer.ts', import.meta.url));
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', script, folder, name, acknowledge ?? 'after-commit'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    if (text.split('\n').length > killAfterLines) child.kill('SIGKILL');
  });
  const [code, signal]: unknown[] = await once(child, 'close');
  if (signal !== 'SIGKILL') throw new Error(`${name} ended by itself (${String(code)}): ${text}`);
  // A line that was cut off was not said.
  return text
    .slice(0, text.lastIndexOf('\n'))
    .split('\n')
    .map((line) => {
      const [word = '', id = ''] = line.split(' ');
      return [word, id];
    });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
