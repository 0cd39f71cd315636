import { ExitCode } from '../../../core/errors.ts';
import type { Calibration } from '../../../patterns/calibrate.ts';
import { learn, learnedJson, type Learned } from '../../../patterns/learn.ts';
import type { RecallRates } from '../../../patterns/recalls.ts';
import { clip, formatPercent, oneLine, plural } from '../../../quality/reports/format.ts';
import type { CommandContext } from '../../main.ts';
import { withPatterns } from './open.ts';

/** Changes of confidence that are shown one by one: the largest. */
const MOST_SHOWN = 10;

/** `curate learn`: judges what nobody has verified, merges what says the same, brings confidences in line with outcomes. */
export async function learnCommand(
  context: CommandContext,
  { dryRun = false }: { dryRun?: boolean },
): Promise<ExitCode> {
  const { host, output } = context;
  return withPatterns(context, async ({ store, log }, { judge, clock }) => {
    const progress = await output.progress();
    const names = new Map([...store.each()].map(({ id, name }) => [id, name]));
    try {
      const { signal } = host;
      for await (const event of learn({ store, log, judge, clock, apply: !dryRun, signal })) {
        if (event.type === 'judged') {
          progress.update(`${event.done} of ${plural(event.of, 'unverified answer')} judged`);
        } else if (event.type === 'comparing') progress.update('Comparing the patterns');
        else {
          progress.stop();
          const { learned } = event;
          output.result(
            output.json
              ? JSON.stringify({ ...learnedJson(learned), dryRun })
              : textOf(learned, dryRun, names, output.width),
          );
        }
      }
      return ExitCode.Ok;
    } finally {
      progress.stop();
    }
  });
}

function textOf(
  { judged, unjudged, consolidation, recalibration, recalls, left }: Learned,
  dryRun: boolean,
  names: ReadonlyMap<string, string>,
  width: number,
): string {
  const { merges } = consolidation;
  const { changes, outcomes, before, after } = recalibration;
  const room = Math.max(20, width - 40);
  const about = (id: string): string => clip(oneLine(names.get(id) ?? ''), room);
  const shown = changes
    .toSorted((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before))
    .slice(0, MOST_SHOWN);
  const all = judged.right + judged.wrong + judged.unknown;
  return [
    ...(unjudged === undefined ? [] : [`No answer was judged: ${unjudged}`]),
    ...(all === 0
      ? []
      : [
          `${plural(all, 'unverified answer')}: ${judged.right} right when run, ${judged.wrong} wrong and kept from use, ${judged.unknown} that running cannot tell.`,
        ]),
    ...merges.map(
      ({ kept, gone, similarity, confidenceBefore, confidenceAfter }) =>
        `${clip(gone, 12)} → ${clip(kept, 12)}  ${similarity.toFixed(3)}  ${confidenceBefore.toFixed(2)} → ${confidenceAfter.toFixed(2)}  ${about(kept)}`,
    ),
    `${plural(merges.length, 'near-duplicate')} ${dryRun ? 'would be merged' : 'merged'}; ${left} left.`,
    ...shown.map(
      (change) =>
        `${clip(change.id, 12).padEnd(12)}  ${change.before.toFixed(2)} → ${change.after.toFixed(2)}  ${about(change.id)}`,
    ),
    `${plural(changes.length, 'confidence')} ${dryRun ? 'would be brought' : 'brought'} in line with ${plural(outcomes, 'outcome')}: ${calibrationLine(before, after)}.`,
    recallLine(recalls),
  ].join('\n');
}

function calibrationLine(before: Calibration, after: Calibration | undefined): string {
  if (Number.isNaN(before.brier)) return 'nothing was observed yet';
  const words = ({ brier, ece }: Calibration): string =>
    `Brier ${brier.toFixed(3)}, calibration error ${ece.toFixed(3)}`;
  if (after === undefined) return `${words(before)}; too few to learn from`;
  return `${words(before)} → ${words(after)} (of outcomes held out)`;
}

/** Hits and wrong hits, always together. */
function recallLine({
  lookups,
  hits,
  hitRate,
  labelled,
  wrong,
  wrongHitRate,
}: RecallRates): string {
  if (lookups === 0) return 'Nothing was looked up yet.';
  const known =
    labelled === 0
      ? 'of none is known whether it was wrong'
      : `${wrong} of ${labelled} judged were wrong (${formatPercent(wrongHitRate)})`;
  return `${plural(lookups, 'look-up')}, ${plural(hits, 'hit')} (${formatPercent(hitRate)}), ${known}.`;
}
