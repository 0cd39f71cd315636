import { AppError, ExitCode } from '../../../core/errors.ts';
import type { Prompts } from '../../../setup/interview.ts';
import type { Host } from '../../main.ts';

/** Whether questions can be asked: somebody reads them and can answer. */
export function canAsk({ stdin, stderr, env }: Host): boolean {
  return stdin.isTTY && stderr.isTTY && !env['CI'] && env['TERM'] !== 'dumb';
}

/**
 * Questions on the terminal; standard output stays free for the result. Loaded when they are asked.
 * Each throws AppError `interrupted` on Ctrl-C.
 */
export async function terminalPrompts(host: Host): Promise<Prompts> {
  const { confirm, input, select } = await import('@inquirer/prompts');
  const context = { input: host.stdin, output: host.stderr, signal: host.signal };
  return {
    select: (message, choices) =>
      answered(select({ message, choices: [...choices], pageSize: 12, loop: false }, context)),
    confirm: (message, preset) => answered(confirm({ message, default: preset }, context)),
    text: (message, preset, complaint) =>
      answered(
        input(
          {
            message,
            ...(preset === '' ? {} : { default: preset }),
            validate: (text) => complaint(text.trim()) ?? true,
          },
          context,
        ),
      ).then((text) => text.trim()),
    say: (text) => void host.stderr.write(`${text}\n`),
  };
}

async function answered<Value>(prompt: Promise<Value>): Promise<Value> {
  try {
    return await prompt;
  } catch (error) {
    const isEnd =
      error instanceof Error && ['ExitPromptError', 'AbortPromptError'].includes(error.name);
    if (!isEnd) throw error;
    throw new AppError('interrupted', 'Interrupted.', {
      exitCode: ExitCode.Interrupted,
      hint: 'The configuration is as it was.',
      cause: error,
    });
  }
}
