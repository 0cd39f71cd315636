import { coverageOf, SHAPE_NAMES, type Shape } from '../core/interval-worlds.ts';

const WORLDS = 2000;
const RESAMPLES = 2000;

/** Tasks of each stratum: the built-in suite, one category of it, a small suite, a very small one. */
const SIZES: readonly (readonly number[])[] = [[40, 30, 20, 10], [40], [12, 10, 8], [20], [10]];

/**
 * The least share of worlds whose lower bound may hold the true ratio. 0.95 is meant; with two thousand worlds
 * chance alone takes 0.01 off. Where an answer in twenty is worth nothing, most samples of 40 hold no
 * such answer, and no method can know of it: docs/verdict.md says so.
 */
const LEAST: Record<Shape, number> = {
  even: 0.935,
  'beside-live': 0.925,
  weak: 0.935,
  'rare-failures': 0.92,
  'both-fail': 0.91,
};
/** Clusters from which on it is held to that. */
const ENOUGH = 100;

/**
 * How often the verdict's bounds hold the truth, in made worlds whose truth is known: scores of five shapes,
 * runs of five sizes. Held to the runs of 100 tasks; smaller ones are printed for what they are.
 */
export async function run(out: (line: string) => void): Promise<boolean> {
  let held = true;
  out(`${WORLDS} worlds each, ${RESAMPLES} resamples; 0.95 is meant`);
  for (const shape of SHAPE_NAMES) {
    for (const sizes of SIZES) {
      const settings = { shape, sizes, worlds: WORLDS, resamples: RESAMPLES, seed: 11 };
      const { truth, lower, upper, margin } = coverageOf(settings);
      const isEnough = sizes.reduce((sum, size) => sum + size, 0) >= ENOUGH;
      const fine = !isEnough || lower >= LEAST[shape];
      held &&= fine;
      const verdict = isEnough ? (fine ? 'held' : 'NOT HELD') : '';
      out(
        `${verdict.padEnd(9)} ${shape.padEnd(14)} ${sizes.join('/').padEnd(12)} true ratio ${truth.toFixed(3)}  lower ${lower.toFixed(3)}  upper ${upper.toFixed(3)}  margin ${margin.toFixed(3)}`,
      );
      // Lets the line be written before the next one is computed.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return held;
}
