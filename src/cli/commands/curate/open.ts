import type { Patterns } from '../../../runtime/open-patterns.ts';
import type { Runtime } from '../../../runtime.ts';
import type { CommandContext } from '../../main.ts';
import { runtimeFor } from '../../model.ts';

/** Does work on the state folder's patterns and closes them, whatever happens. */
export async function withPatterns<Result>(
  context: CommandContext,
  work: (patterns: Patterns, runtime: Runtime) => Promise<Result>,
): Promise<Result> {
  const runtime = await runtimeFor(context);
  const patterns = await runtime.openPatterns((message) => context.output.note(message));
  try {
    return await work(patterns, runtime);
  } finally {
    await patterns.close();
  }
}
