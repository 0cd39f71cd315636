import type { CandidateReport, SideReport } from '../../result.ts';
import { formatMean, plural } from '../format.ts';
import { inCategories } from '../pairs.ts';
import { html, NOTHING } from './markup.ts';
import type { Markup } from './markup.ts';

const BINS = 10;
const WIDTH = 240;
const HEIGHT = 72;
const BASE = 60;

/** How many answers earned how much, by category: the candidate's as bars, the reference's as outlines. */
export function distributions(candidate: CandidateReport, reference: SideReport): Markup {
  const groups = inCategories(candidate.tasks, (task) => task.category);
  if (groups.length === 0) return NOTHING;
  return html`<div class="hists">
    ${groups.map(({ category }) =>
      histogram(category, scoresOf(candidate, category), scoresOf(reference, category)),
    )}
  </div>`;
}

function scoresOf({ tasks }: SideReport, category: string): number[] {
  return tasks.flatMap((task) =>
    task.state === 'graded' && task.category === category ? [task.score] : [],
  );
}

function histogram(name: string, candidate: number[], reference: number[]): Markup {
  const bars = countsOf(candidate);
  const outlines = countsOf(reference);
  const most = Math.max(1, ...bars, ...outlines);
  const step = WIDTH / BINS;
  const height = (count: number): number => Number(((count / most) * (BASE - 8)).toFixed(1));
  const label = `${name}: ${bars.map((count, bin) => `${bin} to ${bin + 1}: ${count}`).join(', ')}`;
  return html`<figure class="hist">
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">
      ${bars.map(
        (count, bin) =>
          html`<rect
            class="hist-bar"
            x="${bin * step + 2}"
            y="${BASE - height(count)}"
            width="${step - 4}"
            height="${height(count)}"
          />`,
      )}
      ${outlines.map((count, bin) =>
        count === 0
          ? NOTHING
          : html`<line
              class="hist-ref"
              x1="${bin * step + 1}"
              x2="${(bin + 1) * step - 1}"
              y1="${BASE - height(count)}"
              y2="${BASE - height(count)}"
            />`,
      )}
      <line class="axis" x1="0" x2="${WIDTH}" y1="${BASE}" y2="${BASE}" />
      <text class="tick" x="1" y="${HEIGHT}">0</text>
      <text class="tick" x="${WIDTH / 2}" y="${HEIGHT}" text-anchor="middle">5</text>
      <text class="tick" x="${WIDTH - 1}" y="${HEIGHT}" text-anchor="end">10</text>
    </svg>
    <figcaption>
      ${name}: ${plural(candidate.length, 'answer')}, median ${formatMean(median(candidate))}
    </figcaption>
  </figure>`;
}

function countsOf(scores: readonly number[]): number[] {
  const counts = Array<number>(BINS).fill(0);
  for (const score of scores) {
    const bin = Math.min(BINS - 1, Math.floor(score));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts;
}

function median(scores: readonly number[]): number | null {
  const sorted = scores.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[middle - 1], sorted[middle]];
  if (high === undefined) return null;
  return sorted.length % 2 === 1 || low === undefined ? high : (low + high) / 2;
}
