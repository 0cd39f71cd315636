import { closeSync, readFileSync } from 'node:fs';
import { isatty } from 'node:tty';
import { Command, CommanderError } from 'commander';
import { AppError, ExitCode } from '../core/errors.ts';
import { COMMANDS } from './commands.ts';
import { createOutput, type Output } from './output/output.ts';
import { reportError } from './output/error.ts';

/** What a command is given of the process it runs in. */
export interface Host {
  argv: readonly string[];
  env: NodeJS.ProcessEnv;
  cwd: string;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
  stdin: NodeJS.ReadStream;
  signal: AbortSignal;
}

/** The options that every command takes. */
export interface GlobalFlags {
  json?: boolean;
  config?: string;
  state?: string;
  quiet?: boolean;
  verbose?: boolean;
}

export interface CommandContext {
  host: Host;
  output: Output;
  flags: GlobalFlags;
}

/** Turns what a command does, and how it says the process ends, into commander's kind of action. */
export type Bind = <Args extends unknown[]>(
  action: (context: CommandContext, ...args: Args) => Promise<ExitCode>,
) => (...args: Args) => Promise<void>;

const EXIT_CODES = `
Exit codes: 0 ok · 1 a gate or check failed · 2 usage, configuration or internal failure ·
3 rolled back or over budget · 4 inconclusive · 5 locked by another process · 130 interrupted`;

/** Runs the command line in this process and sets its exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  const interrupt = new AbortController();
  const onSignal = (): void => {
    // A second signal ends the process the ordinary way. Not before this one was dealt with: a lock's own listener
    // ends the process when it finds itself alone.
    setImmediate(() => process.off('SIGINT', onSignal).off('SIGTERM', onSignal));
    interrupt.abort(
      new AppError('interrupted', 'Interrupted.', { exitCode: ExitCode.Interrupted }),
    );
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  // A reader that has seen enough (`| head`) is no failure of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
    process.exit(error.code === 'EIO' ? ExitCode.Usage : ExitCode.Ok);
  });
  if (process.stdin.isTTY) onHangup((error) => interrupt.abort(error));
  process.exitCode = await run({
    argv,
    env: process.env,
    cwd: process.cwd(),
    stdout: process.stdout,
    stderr: process.stderr,
    stdin: process.stdin,
    signal: interrupt.signal,
  });
}

/** Milliseconds that a command has to end by itself when its terminal is gone. */
const HANGUP_MS = 10_000;

/** Tells of a terminal that closes, which comes as a signal or as the end of what can be typed. */
function onHangup(tell: (error: AppError) => void): void {
  const terminals = [0, 1, 2].filter((fd) => isatty(fd));
  const hangUp = (): void => {
    setTimeout(() => process.exit(ExitCode.Usage), HANGUP_MS).unref();
    // Node restores the terminal's mode at its end, and aborts when it cannot, unless these are closed.
    process.once('exit', () => {
      for (const fd of terminals.splice(0)) closeSync(fd);
    });
    // Whoever reads keys sets its mode back, which fails where there is none.
    process.stdin.setRawMode = () => process.stdin;
    const hint = 'What was done until then is kept; the same command goes on there.';
    tell(new AppError('terminal.closed', 'The terminal was closed.', { hint }));
  };
  process.on('SIGHUP', hangUp);
  process.stdin.on('end', () => {
    // Ctrl-D is a key like others while keys are read one by one.
    if (process.stdin.isRaw) hangUp();
  });
  for (const stream of [process.stdin, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EIO') throw error;
      hangUp();
    });
  }
}

/** Runs one command line; every error becomes a message and an exit code. */
export async function run(host: Host): Promise<ExitCode> {
  const program: Command = new Command('aqe-llm')
    .description(
      'Proves by execution whether a fleet of quality-engineering agents can leave Claude for local models.',
    )
    .version(packageVersion())
    .option('--json', 'one JSON object on standard output, nothing else there')
    .option('--config <file>', 'configuration file (default: aqe-llm.config.json)')
    .option('--state <folder>', 'state folder (default: .aqe-llm)')
    .option('-q, --quiet', 'no progress')
    .option('-v, --verbose', 'details and stack traces')
    .addHelpText('after', EXIT_CODES)
    .exitOverride()
    .configureHelp({
      showGlobalOptions: true,
      visibleGlobalOptions: (command) => (command === program ? [] : [...program.options]),
    })
    .configureOutput({
      writeOut: (text) => void host.stdout.write(text),
      writeErr: (text) => void host.stderr.write(text),
      // Told by `reportError`, like every other error.
      outputError: () => {},
      getOutHelpWidth: () => helpWidth(host.stdout),
      getErrHelpWidth: () => helpWidth(host.stderr),
    });

  let exitCode: ExitCode = ExitCode.Ok;
  const bind: Bind =
    (action) =>
    async (...args) => {
      const flags: GlobalFlags = program.opts();
      exitCode = await action({ host, output: createOutput(host, flags), flags }, ...args);
    };
  try {
    const name = commandName(host.argv);
    for (const command of COMMANDS) {
      const registered = program.command(command.name).description(command.summary);
      // Only the command that runs is loaded; the rest are a line of the help.
      if (name === command.name) (await command.load()).configure(registered, bind);
    }
    inheritSettings(program);
    await program.parseAsync([...host.argv]);
    return exitCode;
  } catch (error) {
    const flags = flagsOf(program, host.argv);
    if (!(error instanceof CommanderError)) return reportError(error, host, flags);
    // Help and version are no errors.
    if (error.exitCode === 0) return ExitCode.Ok;
    if (error.code !== 'commander.help') return reportError(usageError(error), host, flags);
    // Commander has written the help of a command that lacks its sub-command.
    if (flags.json === true) {
      return reportError(new AppError('usage.help', 'No command was given.'), host, flags);
    }
    return ExitCode.Usage;
  }
}

/** The global options; where parsing did not get to them, what the words themselves say. */
function flagsOf(program: Command, argv: readonly string[]): GlobalFlags {
  const said = (...names: string[]): boolean => names.some((name) => argv.includes(name));
  return {
    ...program.opts<GlobalFlags>(),
    ...(said('--json') ? { json: true } : {}),
    ...(said('-v', '--verbose') ? { verbose: true } : {}),
  };
}

/** `commander.unknownOption` becomes `usage.unknown-option`. */
function usageError({ code, message }: CommanderError): AppError {
  const kind = code.replace(/^commander\./, '').replaceAll(/[A-Z]/g, '-$&');
  return new AppError(`usage.${kind.toLowerCase()}`, message.replace(/^error: /, ''), {
    hint: '--help shows the commands and options.',
  });
}

function helpWidth(stream: NodeJS.WriteStream): number {
  const PLAIN = 80;
  return stream.isTTY ? stream.columns : PLAIN;
}

function inheritSettings(parent: Command): void {
  for (const child of parent.commands) {
    child.copyInheritedSettings(parent);
    inheritSettings(child);
  }
}

/** The command that is called or, as in `help baseline`, asked about. */
function commandName(argv: readonly string[]): string | undefined {
  const words = argv.slice(2);
  for (let index = 0; index < words.length; index++) {
    const word = words[index];
    if (word === '--config' || word === '--state') index += 1;
    else if (word !== undefined && word !== 'help' && !word.startsWith('-')) return word;
  }
  return undefined;
}

function packageVersion(): string {
  const manifest: { version: string } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  return manifest.version;
}
