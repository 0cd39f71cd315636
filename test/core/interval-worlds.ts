import { ratioOfMeans, type Pair } from '../../src/core/intervals.ts';
import { seededIndex } from '../../src/core/random.ts';

/** How scores may be spread; each gives a candidate's and a reference's score of one task. */
const SHAPES = {
  /** No score stands out. */
  even: ({ uniform }) => {
    const reference = 8 + 2 * uniform();
    return [reference * (0.6 + 0.5 * uniform()), reference];
  },
  /** Good answers against written ones, and now and then one that is worth nothing. */
  'rare-failures': ({ uniform, normal }, stratum) => [
    uniform() < 0.06 ? 0 : inside(9.3 - stratum * 0.3 - Math.abs(normal()) * 0.9),
    9.5 + uniform() / 2,
  ],
  /** Half of the answers are worth nothing. */
  weak: ({ uniform, normal }, stratum) => [
    uniform() < 0.5 ? 0 : inside(3 + stratum + 2 * normal()),
    9.5 + uniform() / 2,
  ],
  /** Two models that find the same tasks hard. */
  'beside-live': ({ normal }, stratum) => {
    const ease = normal() * 1.2 - stratum * 0.5;
    return [inside(7.8 + ease + 1.1 * normal()), inside(8.5 + ease)];
  },
  /** Two models that both fail now and then, mostly on the same tasks. */
  'both-fail': ({ uniform, normal }) => {
    const luck = uniform();
    return [
      luck < 0.08 || uniform() < 0.05 ? 0 : inside(8.6 - Math.abs(normal()) * 1.3),
      luck < 0.1 ? 0 : inside(9 - Math.abs(normal())),
    ];
  },
} satisfies Record<string, (chance: Chance, stratum: number) => [number, number]>;
export type Shape = keyof typeof SHAPES;
export const SHAPE_NAMES = [
  'even',
  'rare-failures',
  'weak',
  'beside-live',
  'both-fail',
] as const satisfies readonly Shape[];

interface Chance {
  uniform: () => number;
  normal: () => number;
}

export interface Worlds {
  shape: Shape;
  /** Tasks of each stratum. */
  sizes: readonly number[];
  worlds: number;
  resamples: number;
  seed: number;
}

/** The shares of worlds whose one-sided 95 % bounds hold the true ratio, and how far below it the lower lies. */
export function coverageOf({ shape, sizes, worlds, resamples, seed }: Worlds): {
  truth: number;
  lower: number;
  upper: number;
  margin: number;
} {
  const truth = trueRatio(shape, sizes);
  const chance = chanceOf(seed);
  let lower = 0;
  let upper = 0;
  let margin = 0;
  for (let world = 0; world < worlds; world++) {
    const interval = ratioOfMeans(pairsOf(shape, sizes, chance), world, resamples);
    if (interval === undefined) throw new Error('a world without an interval');
    if (interval.lower <= truth) lower += 1;
    if (interval.upper >= truth) upper += 1;
    margin += interval.ratio - interval.lower;
  }
  return { truth, lower: lower / worlds, upper: upper / worlds, margin: margin / worlds };
}

function pairsOf(shape: Shape, sizes: readonly number[], chance: Chance): Pair[] {
  return sizes.flatMap((size, stratum) =>
    Array.from({ length: size }, (_, task): Pair => {
      const [candidate, reference] = SHAPES[shape](chance, stratum);
      return { stratum: `s${stratum}`, cluster: `c${task}`, candidate, reference };
    }),
  );
}

const MANY = 200_000;

/** From so many tasks that what is left of chance does not matter. */
function trueRatio(shape: Shape, sizes: readonly number[]): number {
  const chance = chanceOf(1);
  let over = 0;
  let under = 0;
  for (const [stratum, size] of sizes.entries()) {
    for (let task = 0; task < MANY; task++) {
      const [candidate, reference] = SHAPES[shape](chance, stratum);
      over += (candidate * size) / MANY;
      under += (reference * size) / MANY;
    }
  }
  return over / under;
}

function chanceOf(seed: number): Chance {
  const index = seededIndex(seed);
  const uniform = (): number => (index(1_000_000_000) + 0.5) / 1_000_000_000;
  return {
    uniform,
    // Box & Muller
    normal: () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
  };
}

function inside(score: number): number {
  return Math.min(10, Math.max(0, score));
}
