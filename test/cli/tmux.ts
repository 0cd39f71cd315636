import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { BIN } from './run-cli.ts';

/** With Linux's /proc, which tells what runs in a pane. */
export const hasTmux = spawnSync('tmux', ['-V']).status === 0 && existsSync('/proc/self');

let count = 0;

export interface Pane {
  /** Types a text, then Enter. */
  enter(text: string): void;
  /** A key by tmux's name, as `C-d`. */
  press(key: string): void;
  /** Waits until the screen shows it. */
  shows(pattern: RegExp): Promise<void>;
  screen(): string;
  /** Closes the terminal under the program, and waits for what ran there to be gone. */
  close(): Promise<void>;
  /** Kills the program, which cannot do anything about it. */
  kill(): void;
  exitCode(): Promise<number>;
}

/** The built program in a real terminal, 100 columns wide. */
export function openPane(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Pane {
  count += 1;
  const server = `aqe-test-${process.pid}-${count}`;
  const tmux = (...words: string[]): string =>
    execFileSync('tmux', ['-L', server, ...words], {
      encoding: 'utf8',
      env: { ...process.env, TERM: 'xterm-256color', CI: '', TMUX: '' },
    });
  const codeFile = path.join(cwd, `exit-${count}`);
  const words = [process.execPath, BIN, ...args].map((word) => `'${word}'`).join(' ');
  const variables = Object.entries(env).map(([name, value]) => `${name}='${value}'`);
  // The shell outlives its terminal, to tell how the program ended.
  const command = `trap : HUP; env ${variables.join(' ')} ${words}; echo $? > '${codeFile}'; sleep 60`;
  tmux('-f', '/dev/null', 'new-session', '-d', '-x', '100', '-y', '50', '-c', cwd, command);
  const shellPid = Number(tmux('list-panes', '-F', '#{pane_pid}').trim());
  const kill = (): void => {
    spawnSync('tmux', ['-L', server, 'kill-server'], { stdio: 'ignore' });
    try {
      process.kill(shellPid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  };
  onTestFinished(kill);
  /** The program, which is the shell's child. */
  const programs = (): number[] =>
    readFileSync(`/proc/${shellPid}/task/${shellPid}/children`, 'utf8')
      .split(' ')
      .map(Number)
      .filter((pid) => pid > 0);
  const screen = (): string => tmux('capture-pane', '-p', '-S', '-200');
  return {
    enter(text) {
      tmux('send-keys', '-l', text);
      tmux('send-keys', 'Enter');
    },
    press: (key) => void tmux('send-keys', key),
    screen,
    shows: async (pattern) => {
      await expect.poll(() => pattern.test(screen()) || screen(), { timeout: 30_000 }).toBe(true);
    },
    async close() {
      const started = programs();
      expect(started).not.toEqual([]);
      tmux('kill-pane');
      await expect.poll(() => started.filter(isAlive), { timeout: 30_000 }).toEqual([]);
    },
    kill() {
      for (const pid of programs()) process.kill(pid, 'SIGKILL');
    },
    async exitCode() {
      await expect.poll(() => existsSync(codeFile), { timeout: 30_000 }).toBe(true);
      return Number(readFileSync(codeFile, 'utf8'));
    },
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
