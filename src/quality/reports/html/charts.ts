import type { Verdict } from '../../result.ts';
import { RULE } from '../../verdict.ts';
import { formatRatio, formatScore } from '../format.ts';
import { scoreOf } from '../pairs.ts';
import type { TaskPair } from '../pairs.ts';
import { html, NOTHING } from './markup.ts';
import type { Markup } from './markup.ts';

const WIDTH = 460;
const LEFT = 14;
const RIGHT = 446;
const AXIS_Y = 84;

/** The ratio and its bounds on a line, with the zones of NO-GO, MARGINAL and GO behind them. */
export function ratioChart(verdict: Verdict): Markup {
  const { ratio, lower, upper } = verdict;
  if (ratio === null) return NOTHING;
  const from = Math.max(
    0,
    Math.floor(Math.min(0.7, (lower ?? ratio) - 0.05, ratio - 0.05) * 10) / 10,
  );
  const to = Math.ceil(Math.max(1.1, (upper ?? ratio) + 0.05, ratio + 0.05) * 10) / 10;
  const x = (value: number): number => {
    const inside = Math.min(to, Math.max(from, value));
    return Number((LEFT + ((inside - from) / (to - from)) * (RIGHT - LEFT)).toFixed(1));
  };
  const step = to - from > 0.8 ? 0.2 : 0.1;
  const count = Math.floor((to - from) / step + 1e-6);
  const ticks = Array.from({ length: count + 1 }, (_, index) => from + index * step);
  const bounds =
    lower === null && upper === null ? NOTHING : boundsBar(x(lower ?? from), x(upper ?? to));
  const label = Math.min(RIGHT - 24, Math.max(LEFT + 24, x(ratio)));
  const title = `Ratio ${formatRatio(ratio)}, 95 % bounds ${formatRatio(lower)} to ${formatRatio(upper)}; MARGINAL from 0.85, GO from 0.90`;
  return html`<svg class="ratio" viewBox="0 0 ${WIDTH} 124" role="img" aria-label="${title}">
    <rect class="zone-fail" x="${LEFT}" y="38" width="${x(RULE.marginal) - LEFT}" height="46" />
    <rect
      class="zone-marginal"
      x="${x(RULE.marginal)}"
      y="38"
      width="${(x(RULE.pass) - x(RULE.marginal)).toFixed(1)}"
      height="46"
    />
    <rect
      class="zone-pass"
      x="${x(RULE.pass)}"
      y="38"
      width="${(RIGHT - x(RULE.pass)).toFixed(1)}"
      height="46"
    />
    ${[RULE.marginal, RULE.pass].map((line) => html`<line class="line" x1="${x(line)}" x2="${x(line)}" y1="32" y2="${AXIS_Y}" />`)}
    <text class="line-label" x="${x(RULE.marginal) - 3}" y="28" text-anchor="end">0.85</text>
    <text class="line-label" x="${x(RULE.pass) + 3}" y="28">0.90</text>
    <line class="axis" x1="${LEFT}" x2="${RIGHT}" y1="${AXIS_Y}" y2="${AXIS_Y}" />
    ${ticks.map((tick) => html`<text class="tick" x="${x(tick)}" y="${AXIS_Y + 16}" text-anchor="middle">${tick.toFixed(1)}</text>`)}
    ${bounds}
    <circle class="point" cx="${x(ratio)}" cy="61" r="7" />
    <text class="point-label" x="${label}" y="118" text-anchor="middle">${formatRatio(ratio)}</text>
  </svg>`;
}

function boundsBar(low: number, high: number): Markup {
  return html`<line class="bounds" x1="${low}" x2="${high}" y1="61" y2="61" /><line
      class="bounds"
      x1="${low}"
      x2="${low}"
      y1="53"
      y2="69"
    /><line class="bounds" x1="${high}" x2="${high}" y1="53" y2="69" />`;
}

/** A row per task: the candidate's score as a dot, the reference's as a ring, the gap between them. */
export function scoreChart(pairs: readonly TaskPair[], anchor: (pair: TaskPair) => string): Markup {
  return html`<ol class="dots">
    ${pairs.map(
      (pair) => html`<li><a href="#${anchor(pair)}">${pair.label}</a>${scoreTrack(pair)}</li>`,
    )}
    <li class="scale" aria-hidden="true">
      <span></span><span class="scale-marks"><i>0</i><i>5</i><i>10</i></span>
    </li>
  </ol>`;
}

function scoreTrack(pair: TaskPair): Markup {
  const candidate = scoreOf(pair.candidate);
  const reference = scoreOf(pair.reference);
  // 2 % of room on both sides, so that a dot at 0 or 10 is whole.
  const at = (score: number): string =>
    `${(2 + Math.min(10, Math.max(0, score)) * 9.6).toFixed(1)}%`;
  const title = `candidate ${formatScore(candidate)}, reference ${formatScore(reference)}`;
  const gap =
    candidate === null || reference === null
      ? NOTHING
      : html`<line
          class="${candidate < reference ? 'gap behind' : 'gap'}"
          x1="${at(candidate)}"
          x2="${at(reference)}"
          y1="50%"
          y2="50%"
        />`;
  return html`<svg class="track" role="img" aria-label="${title}">
    <title>${title}</title>
    <line class="rail" x1="2%" x2="98%" y1="50%" y2="50%" />
    <line class="rail" x1="50%" x2="50%" y1="20%" y2="80%" />
    ${gap}${
      reference === null
        ? NOTHING
        : html`<circle class="ref" cx="${at(reference)}" cy="50%" r="5" />`
    }${candidate === null ? NOTHING : html`<circle class="cand" cx="${at(candidate)}" cy="50%" r="5.5" />`}${
      candidate === null
        ? html`<text class="none" x="3%" y="50%" dy="4">not graded</text>`
        : NOTHING
    }
  </svg>`;
}

/** A part of the score as a bar, with a tick where the reference stands. */
export function partBar(
  name: string,
  points: number,
  most: number,
  reference: number | null,
  shown: string,
): Markup {
  const share = (value: number): string =>
    `${Math.min(100, Math.max(0, (value / most) * 100)).toFixed(1)}%`;
  const tick =
    reference === null
      ? NOTHING
      : html`<line
          class="part-ref"
          x1="${share(reference)}"
          x2="${share(reference)}"
          y1="0"
          y2="100%"
        />`;
  return html`<div class="part">
    <dt>${name}</dt>
    <dd>
      <svg class="bar" aria-hidden="true">
        <rect class="bar-rail" width="100%" height="100%" />
        <rect class="bar-fill" width="${share(points)}" height="100%" />
        ${tick}</svg
      ><span>${shown}</span>
    </dd>
  </div>`;
}
