import { AppError, type ExitCode } from '../../../core/errors.ts';
import type { CommandContext } from '../../main.ts';

/** `aqe-llm route`: answers one prompt. */
export async function promptCommand(
  _context: CommandContext,
  _prompt: string | undefined,
): Promise<ExitCode> {
  throw new AppError('usage.not-available', '`route` is not part of this version.');
}
