import type { CostReport, Interval, Named } from '../../../../ledger/report/result.ts';
import { html, NOTHING, type Markup } from '../../../../quality/reports/html/markup.ts';
import { formatShare, formatUsd } from './words.ts';

type Point = CostReport['trend']['points'][number];

const WIDTH = 720;
const HEIGHT = 260;
const LEFT = 76;
const RIGHT = 706;
const TOP = 14;
const BOTTOM = 214;
/** Labels under an axis that do not touch each other. */
const MOST_LABELS = 8;

/** A bar for each period: what was billed, and on it what machines of one's own cost. */
export function costTrend({ points, unit }: CostReport['trend']): Markup {
  const axis = axisOf(points.map((it) => it.usd + (it.hardwareUsd ?? 0)));
  const slot = (RIGHT - LEFT) / Math.max(1, points.length);
  const bar = Math.max(1, Math.min(46, slot * 0.72));
  const height = (usd: number): number => (usd / axis.top) * (BOTTOM - TOP);
  const title = `Cost by ${unit}`;
  return html`<figure class="plot">
    <figcaption>${title}</figcaption>
    <div class="legend">
      <span><i class="tint-a"></i>billed</span
      >${points.some((it) => it.hardwareUsd !== null) ? html`<span><i class="tint-b"></i>own machines</span>` : NOTHING}
    </div>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">
      ${grid(axis, (usd) => BOTTOM - height(usd))}
      ${points.map((point, index) => {
        const x = LEFT + slot * index + (slot - bar) / 2;
        const billed = height(point.usd);
        const own = height(point.hardwareUsd ?? 0);
        return html`<g>
          <title>
            ${point.period}: ${formatUsd(point.usd)}
            billed${point.hardwareUsd === null ? '' : `, ${formatUsd(point.hardwareUsd)} own machines`}
          </title>
          <rect
            class="bar-a"
            x="${at(x)}"
            y="${at(BOTTOM - billed)}"
            width="${at(bar)}"
            height="${at(billed)}" /><rect
            class="bar-b"
            x="${at(x)}"
            y="${at(BOTTOM - billed - own)}"
            width="${at(bar)}"
            height="${at(own)}"
        /></g>`;
      })}
      ${labels(points, (index) => LEFT + slot * (index + 0.5))}
    </svg>
  </figure>`;
}

/** What is saved from the first period to each one: the estimate as a line, its interval as a band. */
export function savedTrend({ points }: CostReport['trend']): Markup {
  const sums: Interval[] = [];
  for (const { savedUsd } of points) {
    const before = sums.at(-1) ?? { lower: 0, estimate: 0, upper: 0 };
    const more = savedUsd ?? { lower: 0, estimate: 0, upper: 0 };
    sums.push({
      lower: before.lower + more.lower,
      estimate: before.estimate + more.estimate,
      upper: before.upper + more.upper,
    });
  }
  const axis = axisOf(sums.flatMap(({ lower, upper }) => [lower, upper]));
  const x = (index: number): number =>
    points.length === 1
      ? (LEFT + RIGHT) / 2
      : LEFT + 14 + (index / (points.length - 1)) * (RIGHT - LEFT - 28);
  const y = (usd: number): number =>
    BOTTOM - ((usd - axis.bottom) / (axis.top - axis.bottom)) * (BOTTOM - TOP);
  const path = (of: (sum: Interval) => number): string[] =>
    sums.map((sum, index) => `${at(x(index))},${at(y(of(sum)))}`);
  const band = [...path(({ upper }) => upper), ...path(({ lower }) => lower).reverse()];
  const last = sums.at(-1);
  const title = 'Saved so far against Claude alone';
  return html`<figure class="plot">
    <figcaption>${title}</figcaption>
    <div class="legend">
      <span><i class="tint-c"></i>estimate</span><span><i class="tint-band"></i>its interval</span>
    </div>
    <svg
      viewBox="0 0 ${WIDTH} ${HEIGHT}"
      role="img"
      aria-label="${title}${last === undefined ? '' : `: ${formatUsd(last.lower)} to ${formatUsd(last.upper)}`}"
    >
      ${grid(axis, y)}
      <line class="zero" x1="${LEFT}" x2="${RIGHT}" y1="${at(y(0))}" y2="${at(y(0))}" />
      ${
        sums.length === 1 && last !== undefined
          ? html`<line
              class="whisker"
              x1="${at(x(0))}"
              x2="${at(x(0))}"
              y1="${at(y(last.lower))}"
              y2="${at(y(last.upper))}"
            />`
          : html`<polygon class="band" points="${band.join(' ')}" />`
      }
      <polyline class="line-c" points="${path(({ estimate }) => estimate).join(' ')}" />
      ${last === undefined ? NOTHING : html`<circle class="dot-c" cx="${at(x(sums.length - 1))}" cy="${at(y(last.estimate))}" r="4.5" />`}
      ${labels(points, x)}
    </svg>
  </figure>`;
}

/** Shares as bars, the dearest first. */
export function splitChart(title: string, parts: readonly Named[]): Markup {
  const cost = (it: Named): number => it.usd + (it.hardwareUsd ?? 0);
  const all = parts.reduce((sum, it) => sum + cost(it), 0);
  const most = Math.max(0, ...parts.map(cost));
  const shown = parts.slice(0, 8);
  return html`<figure class="plot split">
    <figcaption>${title}</figcaption>
    <dl>
      ${shown.map((part) => {
        const width = most === 0 ? 0 : (part.usd / most) * 100;
        const own = most === 0 ? 0 : ((part.hardwareUsd ?? 0) / most) * 100;
        return html`<div>
          <dt>${part.name === '' ? '(none)' : part.name}</dt>
          <dd>
            <svg class="share" aria-hidden="true">
              <rect class="bar-rail" width="100%" height="100%" />
              <rect class="bar-a" width="${at(width)}%" height="100%" />
              <rect class="bar-b" x="${at(width)}%" width="${at(own)}%" height="100%" /></svg
            ><span
              >${part.unpriced === part.attempts ? 'unknown' : `${formatUsd(cost(part))} · ${formatShare(all === 0 ? null : cost(part) / all)}`}</span
            >
          </dd>
        </div>`;
      })}
    </dl>
    ${parts.length > shown.length ? html`<p class="muted">… and ${parts.length - shown.length} more</p>` : NOTHING}
  </figure>`;
}

interface Axis {
  bottom: number;
  top: number;
  step: number;
}

/** An axis of about five round amounts that holds everything, and nothing. */
function axisOf(amounts: readonly number[]): Axis {
  const lowest = Math.min(0, ...amounts);
  const highest = Math.max(0, ...amounts);
  const step = roundUp((highest - lowest) / 4.5);
  return {
    step,
    bottom: Math.floor(lowest / step) * step,
    top: Math.max(Math.ceil(highest / step) * step, lowest < 0 ? 0 : step),
  };
}

function grid({ bottom, top, step }: Axis, y: (usd: number) => number): Markup[] {
  return Array.from({ length: Math.round((top - bottom) / step) + 1 }, (_, index) => {
    const usd = bottom + index * step;
    return html`<line
        class="grid"
        x1="${LEFT}"
        x2="${RIGHT}"
        y1="${at(y(usd))}"
        y2="${at(y(usd))}"
      /><text x="${LEFT - 8}" y="${at(y(usd) + 4)}" text-anchor="end"
        >${axisText(usd, step)}</text
      >`;
  });
}

/** Without cents where no line has any. */
function axisText(usd: number, step: number): string {
  return step >= 1 ? formatUsd(usd).replace('.00', '') : formatUsd(usd);
}

function labels(points: readonly Point[], x: (index: number) => number): Markup[] {
  const step = Math.ceil(points.length / MOST_LABELS);
  return points.flatMap(({ period }, index) =>
    index % step === 0
      ? [
          html`<text x="${at(x(index))}" y="${BOTTOM + 22}" text-anchor="middle"
            >${short(period)}</text
          >`,
        ]
      : [],
  );
}

/** Days without their year. */
function short(period: string): string {
  return /^\d{4}-\d\d-\d\d$/.test(period) ? period.slice(5) : period;
}

function at(value: number): string {
  return value.toFixed(1);
}

/** The next of 1, 2, 2.5, 5 or 10 times a power of ten. */
function roundUp(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 2.5, 5, 10].find((it) => it * power >= value * 0.999) ?? 10) * power;
}
