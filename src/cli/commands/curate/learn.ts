import { ExitCode } from '../../../core/errors.ts';
import { consolidate } from '../../../patterns/consolidate.ts';
import { clip, oneLine, plural } from '../../../quality/reports/format.ts';
import type { CommandContext } from '../../main.ts';
import { withPatterns } from './open.ts';

/** `curate learn`: merges what says the same, and prints what changed. */
export async function learnCommand(
  context: CommandContext,
  { dryRun = false }: { dryRun?: boolean },
): Promise<ExitCode> {
  const { output } = context;
  return withPatterns(context, async ({ store }) => {
    const progress = await output.progress();
    progress.update('Comparing the patterns');
    const names = new Map<string, string>();
    try {
      for (const { id, name } of store.each()) names.set(id, name);
      const { patterns, merges } = consolidate(store, { apply: !dryRun });
      progress.stop();
      if (output.json) {
        output.result(JSON.stringify({ patterns, merges, left: store.count(), dryRun }));
        return ExitCode.Ok;
      }
      const room = Math.max(20, output.width - 40);
      const lines = merges.map(
        ({ kept, gone, similarity, confidenceBefore, confidenceAfter }) =>
          `${clip(gone, 12)} → ${clip(kept, 12)}  ${similarity.toFixed(3)}  ${confidenceBefore.toFixed(2)} → ${confidenceAfter.toFixed(2)}  ${clip(oneLine(names.get(kept) ?? ''), room)}`,
      );
      const verb = dryRun ? 'would be merged' : 'merged';
      output.result(
        [
          ...lines,
          `${plural(merges.length, 'near-duplicate')} ${verb}; ${store.count()} left.`,
        ].join('\n'),
      );
      return ExitCode.Ok;
    } finally {
      progress.stop();
    }
  });
}
