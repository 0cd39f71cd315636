import { ExitCode } from '../../../core/errors.ts';
import { plural } from '../../../quality/reports/format.ts';
import type { CommandContext } from '../../main.ts';
import { withPatterns } from './open.ts';

/** `curate reindex`: gives every pattern a vector of the configured embedder. */
export async function reindexCommand(context: CommandContext): Promise<ExitCode> {
  const { host, output } = context;
  return withPatterns(context, async (patterns) => {
    const progress = await output.progress();
    try {
      for await (const event of patterns.reindex(host.signal)) {
        if (event.type === 'embedded') {
          progress.update(`${event.done} of ${event.of} prompts embedded`);
          continue;
        }
        await patterns.store.settle((left) => progress.update(`indexing: ${left} left`));
        progress.stop();
        const { from, to, patterns: count } = event;
        output.result(
          output.json
            ? JSON.stringify({ from, to, patterns: count })
            : `${plural(count, 'pattern')} with vectors of ${to.embedder} (${to.dimension} dimensions).`,
        );
      }
      return ExitCode.Ok;
    } catch (error) {
      if (host.signal.aborted) output.note('The same command goes on where it stopped.');
      throw error;
    } finally {
      progress.stop();
    }
  });
}
