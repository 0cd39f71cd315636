import type { GlobalFlags, Host } from '../main.ts';
import { createTextStream, type TextStream } from './text-stream.ts';

/** A line that says what goes on: redrawn on a terminal, printed now and then elsewhere. */
export interface ProgressLine {
  update(text: string): void;
  /** A line that stays. */
  log(text: string): void;
  stop(): void;
}

/** The only place that writes: results on standard output, everything else on standard error. */
export interface Output {
  readonly json: boolean;
  readonly quiet: boolean;
  /** Whether standard output takes colours, and how wide it is. */
  readonly color: boolean;
  readonly width: number;
  /** The same of standard error; what is no terminal is as wide as it takes. */
  readonly noteColor: boolean;
  readonly noteWidth: number;
  /** The result; with `--json` the one object. */
  result(text: string): void;
  /** Told to a person, on standard error; silent under `--quiet`. */
  note(text: string): void;
  progress(): Promise<ProgressLine>;
  /** A result that comes in pieces: on a terminal without what drives it, elsewhere as it is. */
  stream(): TextStream;
  /** Text beside the result that comes in pieces, dimmed, on standard error; silent under `--quiet`. */
  aside(): TextStream;
}

const DEFAULT_WIDTH = 100;
/** Without a terminal, an updated line is printed at most this often. */
const PLAIN_INTERVAL_MS = 10_000;

export function createOutput(host: Host, flags: GlobalFlags): Output {
  const { stdout, stderr, env } = host;
  const quiet = flags.quiet === true;
  const note = (text: string): void => {
    if (!quiet) stderr.write(`${text}\n`);
  };
  const noteColor = stderr.isTTY && !env['NO_COLOR'];
  return {
    json: flags.json === true,
    quiet,
    color: stdout.isTTY && !env['NO_COLOR'],
    width: stdout.isTTY ? stdout.columns : DEFAULT_WIDTH,
    noteColor,
    noteWidth: stderr.isTTY ? stderr.columns : Infinity,
    result: (text) => void stdout.write(text.endsWith('\n') ? text : `${text}\n`),
    note,
    progress: async () => {
      const drawn = stderr.isTTY && !env['CI'] && env['TERM'] !== 'dumb';
      return quiet || !drawn ? plainProgress(note) : await drawnProgress(stderr, !env['NO_COLOR']);
    },
    stream: () =>
      createTextStream((text) => void stdout.write(text), { safe: stdout.isTTY, dim: false }),
    aside: () =>
      createTextStream(
        (text) => {
          if (!quiet) stderr.write(text);
        },
        { safe: true, dim: noteColor },
      ),
  };
}

function plainProgress(note: (text: string) => void): ProgressLine {
  let printedAt = Date.now();
  return {
    update: (text) => {
      if (Date.now() - printedAt < PLAIN_INTERVAL_MS) return;
      printedAt = Date.now();
      note(text);
    },
    log: (text) => {
      printedAt = Date.now();
      note(text);
    },
    stop: () => {},
  };
}

async function drawnProgress(stream: NodeJS.WriteStream, color: boolean): Promise<ProgressLine> {
  // Loaded here and not above: `--help` need not wait for it.
  const { default: ora } = await import('ora');
  const spinner = ora({ stream, discardStdin: false, color: color ? 'cyan' : false });
  return {
    update: (text) => {
      spinner.text = text;
      if (!spinner.isSpinning) spinner.start();
    },
    log: (text) => {
      spinner.stop();
      stream.write(`${text}\n`);
    },
    stop: () => {
      spinner.stop();
    },
  };
}

/** `3 min 20 s`, for times a person waits. */
export function formatWait(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 10 && seconds % 60 >= 10
    ? `${minutes} min ${Math.floor((seconds % 60) / 10) * 10} s`
    : `${minutes} min`;
}
