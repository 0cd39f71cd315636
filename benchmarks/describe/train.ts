import { pathToFileURL } from 'node:url';
import { writeFileSync } from 'node:fs';
import { COMPLEXITIES, TASK_CATEGORIES } from '../../src/core/task.ts';
import { featuresOf } from '../../src/routing/describe/features.ts';
import { BIAS, CLASSES, type Model } from '../../src/routing/describe/model.ts';
import { type Labelled, readLabelled, requestOf, split } from './labelled.ts';

/** A word seen in fewer groups says more about them than about the language. Chosen, as the ridge, by cross-validation on the development part. */
const MIN_GROUPS = 5;
const RIDGE = 0.01;
const ROUNDS = 150;
const STEP = 0.5;
const MOMENTUM = 0.9;

interface Example {
  features: readonly (readonly [column: number, value: number])[];
  labels: readonly [category: number, complexity: number];
}

/** Fits both regressions by gradient descent with momentum: no randomness, the same weights everywhere. */
export function train(prompts: readonly Labelled[]): Model {
  const weighed = prompts.map((prompt) => featuresOf(requestOf(prompt)).weighed);
  const names = vocabulary(prompts, weighed);
  const columns = new Map(names.map((name, index) => [name, index]));
  const examples = prompts.map((prompt, index): Example => {
    const features: [number, number][] = [[0, 1]];
    for (const [name, value] of weighed[index] ?? []) {
      const column = columns.get(name);
      if (column !== undefined && value !== 0) features.push([column, value]);
    }
    return {
      features,
      labels: [TASK_CATEGORIES.indexOf(prompt.category), COMPLEXITIES.indexOf(prompt.complexity)],
    };
  });
  const category = fit(examples, 0, TASK_CATEGORIES.length, names.length);
  const complexity = fit(examples, 1, COMPLEXITIES.length, names.length);
  const weights = new Map<string, readonly number[]>();
  for (const [column, name] of names.entries()) {
    const row = [
      ...category.map((of) => of[column] ?? 0),
      ...complexity.map((of) => of[column] ?? 0),
    ].map((weight) => Math.round(weight * 100) / 100 + 0);
    if (row.some((weight) => weight !== 0)) weights.set(name, row);
  }
  return { weights };
}

/** The bias first, then what occurs in enough groups, in alphabetical order. */
function vocabulary(
  prompts: readonly Labelled[],
  weighed: readonly ReadonlyMap<string, number>[],
): string[] {
  const groups = new Map<string, Set<string>>();
  for (const [index, prompt] of prompts.entries()) {
    for (const name of weighed[index]?.keys() ?? []) {
      const known = groups.get(name);
      if (known === undefined) groups.set(name, new Set([prompt.group]));
      else known.add(prompt.group);
    }
  }
  const often = [...groups].filter(([, { size }]) => size >= MIN_GROUPS).map(([name]) => name);
  return [BIAS, ...often.toSorted()];
}

/** Multinomial logistic regression with a ridge. Weights by class, then by column. */
function fit(
  examples: readonly Example[],
  label: 0 | 1,
  classes: number,
  columns: number,
): Float64Array[] {
  const zeros = (): Float64Array[] =>
    Array.from({ length: classes }, () => new Float64Array(columns));
  const weights = zeros();
  const velocity = zeros();
  for (let round = 0; round < ROUNDS; round++) {
    const gradient = zeros();
    for (const { features, labels } of examples) {
      const probabilities = softmax(
        weights.map((of) =>
          features.reduce((sum, [column, value]) => sum + (of[column] ?? 0) * value, 0),
        ),
      );
      for (const [index, probability] of probabilities.entries()) {
        const error = probability - (index === labels[label] ? 1 : 0);
        const of = gradient[index] ?? new Float64Array(columns);
        for (const [column, value] of features) of[column] = (of[column] ?? 0) + error * value;
      }
    }
    for (const [index, of] of weights.entries()) {
      const moved = velocity[index] ?? of;
      for (let column = 0; column < columns; column++) {
        const weight = of[column] ?? 0;
        const slope =
          (gradient[index]?.[column] ?? 0) / examples.length + (column === 0 ? 0 : RIDGE * weight);
        const speed = MOMENTUM * (moved[column] ?? 0) - STEP * (1 - MOMENTUM) * slope;
        moved[column] = speed;
        of[column] = weight + speed;
      }
    }
  }
  return weights;
}

function softmax(scores: readonly number[]): number[] {
  const highest = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - highest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

/** The generated file: a table that people can read and `diff` can compare. */
export function weightsFile({ weights }: Model): string {
  const rows = [...weights].map(([name, row]) => `${name} | ${row.join(' ')}`);
  return [
    '/**',
    ' * Made by `npx tsx benchmarks/describe/train.ts` from the development part of fixtures/prompts; never edited.',
    ` * Weights of a feature for ${CLASSES.join(', ')}.`,
    ' */',
    'export const WEIGHTS = `',
    ...rows,
    '`;',
    '',
  ].join('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const target = new URL('../../src/routing/describe/weights.ts', import.meta.url);
  writeFileSync(target, weightsFile(train(split(readLabelled()).development)));
}
