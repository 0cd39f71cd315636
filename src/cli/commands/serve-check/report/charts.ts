import { html, type Markup } from '../../../../quality/reports/html/markup.ts';
import { labelOf } from '../../../../serving/compare.ts';
import type { MeasuredStep } from '../../../../serving/result.ts';

export interface Series {
  name: string;
  /** Which of the page's colours: `a`, `b` or `c`. */
  tint: 'a' | 'b' | 'c';
  value: (step: MeasuredStep) => number | null;
}

const WIDTH = 520;
const HEIGHT = 250;
const LEFT = 62;
const RIGHT = 505;
const TOP = 14;
const BOTTOM = 208;

/** A line per series over the steps of a load, evenly spaced; the axis starts at zero. */
export function lineChart(
  steps: readonly MeasuredStep[],
  series: readonly Series[],
  show: (value: number) => string,
  title: string,
): Markup {
  const values = series.flatMap(({ value }) => steps.map(value)).filter((it) => it !== null);
  const top = roundUp(Math.max(0, ...values));
  const x = (index: number): number =>
    steps.length === 1
      ? (LEFT + RIGHT) / 2
      : LEFT + 24 + (index / (steps.length - 1)) * (RIGHT - LEFT - 48);
  const y = (value: number): number => BOTTOM - (value / top) * (BOTTOM - TOP);
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => share * top);
  return html`<figure class="plot">
    <figcaption>${title}</figcaption>
    <div class="legend">
      ${series.map(({ name, tint }) => html`<span><i class="tint-${tint}"></i>${name}</span>`)}
    </div>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">
      ${ticks.map(
        (tick) =>
          html`<line
              class="grid"
              x1="${LEFT}"
              x2="${RIGHT}"
              y1="${at(y(tick))}"
              y2="${at(y(tick))}"
            /><text x="${LEFT - 8}" y="${at(y(tick) + 4)}" text-anchor="end">${show(tick)}</text>`,
      )}
      ${steps.map(
        (step, index) =>
          html`<text x="${at(x(index))}" y="${BOTTOM + 24}" text-anchor="middle"
            >${labelOf(step.arrivals)}</text
          >`,
      )}
      ${series.map(({ name, tint, value }) => {
        const points = steps.flatMap((step, index) => {
          const height = value(step);
          return height === null ? [] : [{ x: at(x(index)), y: at(y(height)), height, step }];
        });
        const path = points.map((point) => `${point.x},${point.y}`).join(' ');
        return html`<polyline class="line-${tint}" points="${path}" />${points.map(
            (point) =>
              html`<circle class="dot-${tint}" cx="${point.x}" cy="${point.y}" r="4.5"
                ><title>
                  ${name}, ${labelOf(point.step.arrivals)}: ${show(point.height)}
                </title></circle
              >`,
          )}`;
      })}
    </svg>
  </figure>`;
}

function at(value: number): string {
  return value.toFixed(1);
}

/** The next of 1, 2, 2.5, 4, 5 or 10 times a power of ten. */
function roundUp(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const factor = [1, 2, 2.5, 4, 5, 10].find((it) => it * power >= value) ?? 10;
  return factor * power;
}
