import type { Verdict } from '../../result.ts';
import { RULE } from '../../verdict.ts';
import type { PastRun } from '../details.ts';
import { formatRatio } from '../format.ts';
import { HEADLINES } from '../words.ts';
import { html, NOTHING } from './markup.ts';
import type { Markup } from './markup.ts';

const WIDTH = 720;
const HEIGHT = 180;
const LEFT = 40;
const RIGHT = 706;
const TOP = 14;
const BOTTOM = 150;

interface Point {
  name: string;
  /** `2026-11-27` */
  day: string;
  /** Whether the suite was another one before it. */
  isNewSuite: boolean;
  state: Verdict['state'];
  ratio: number;
  lower: number | null;
  upper: number | null;
}

/** The ratio over the earlier runs of the same suite, this run last; nothing where there are none. */
export function trendChart(
  past: readonly PastRun[],
  now: { runId: string; startedAt: string; suiteHash: string; verdict: Verdict },
): Markup {
  const points = pointsOf([
    ...past,
    {
      runId: now.runId,
      finishedAt: now.startedAt,
      suiteHash: now.suiteHash,
      verdict: now.verdict,
    },
  ]);
  if (points.length < 2) return NOTHING;
  const values = points.flatMap(({ ratio, lower, upper }) => [
    ratio,
    lower ?? ratio,
    upper ?? ratio,
  ]);
  const least = Math.max(0, Math.min(RULE.marginal, ...values) - 0.05);
  const most = Math.max(1, ...values) + 0.05;
  const y = (ratio: number): number =>
    Number((BOTTOM - ((ratio - least) / (most - least)) * (BOTTOM - TOP)).toFixed(1));
  const x = (index: number): number =>
    Number((LEFT + ((index + 0.5) / points.length) * (RIGHT - LEFT)).toFixed(1));
  const line = points.map(({ ratio }, index) => `${x(index)},${y(ratio)}`).join(' ');
  return html`<figure class="card over-time">
    <svg
      class="trend"
      viewBox="0 0 ${WIDTH} ${HEIGHT}"
      role="img"
      aria-label="Ratio over ${points.length} runs"
    >
      ${[RULE.marginal, RULE.pass].map(
        (rule) =>
          html`<line class="line" x1="${LEFT}" x2="${RIGHT}" y1="${y(rule)}" y2="${y(rule)}" />
            <text
              class="tick"
              x="${LEFT - 6}"
              y="${y(rule) + (rule === RULE.pass ? -1 : 9)}"
              text-anchor="end"
              >${rule.toFixed(2)}</text
            >`,
      )}
      <polyline class="trend-line" points="${line}" />
      ${points.map((point, index) => mark(point, x(index), y))}
      <text class="tick" x="${LEFT}" y="${HEIGHT - 6}">${points[0]?.day ?? ''}</text>
      <text class="tick" x="${RIGHT}" y="${HEIGHT - 6}" text-anchor="end">
        ${points.at(-1)?.day ?? ''}
      </text>
    </svg>
    <figcaption>
      Ratio with 95 % bounds, ${points.length} runs of this suite, this one last. A dashed upright
      marks a suite that was changed: what lies on its two sides is not comparable.
    </figcaption>
  </figure>`;
}

function mark(point: Point, x: number, y: (ratio: number) => number): Markup {
  const { name, state, ratio, lower, upper, isNewSuite } = point;
  const title = `${name}: ${formatRatio(ratio)}, ${HEADLINES[state]}`;
  return html`${
      isNewSuite
        ? html`<line class="line" x1="${x - 12}" x2="${x - 12}" y1="${TOP}" y2="${BOTTOM}" />`
        : NOTHING
    }<g class="${state}"
      ><title>${title}</title>${
        lower === null || upper === null
          ? NOTHING
          : html`<line class="bounds" x1="${x}" x2="${x}" y1="${y(lower)}" y2="${y(upper)}" />`
      }<circle class="point" cx="${x}" cy="${y(ratio)}" r="5"
    /></g>`;
}

function pointsOf(runs: readonly Omit<PastRun, 'reference'>[]): Point[] {
  return runs.flatMap(({ runId, finishedAt, suiteHash, verdict }, index) => {
    const { state, ratio, lower, upper } = verdict;
    if (ratio === null) return [];
    const isNewSuite = index > 0 && runs[index - 1]?.suiteHash !== suiteHash;
    const name = `${runId}, ${finishedAt.slice(0, 16).replace('T', ' ')}`;
    return { name, day: finishedAt.slice(0, 10), isNewSuite, state, ratio, lower, upper };
  });
}
