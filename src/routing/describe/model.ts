import {
  COMPLEXITIES,
  TASK_CATEGORIES,
  type Complexity,
  type TaskCategory,
} from '../../core/task.ts';
import { WEIGHTS } from './weights.ts';

/** One of several names and how likely each is. */
export interface Guess<Name extends string> {
  name: Name;
  /** Of `name`, from 0 to 1. */
  probability: number;
}

/** Two multinomial logistic regressions: weights by feature, one for each category, then one for each complexity. */
export interface Model {
  weights: ReadonlyMap<string, readonly number[]>;
}

export const CLASSES = [...TASK_CATEGORIES, ...COMPLEXITIES];
/** The feature that every request has. */
export const BIAS = 'bias';

export const SHIPPED: Model = parse(WEIGHTS);

/** Reads the table that training wrote: a feature a line, its weights behind a bar. */
export function parse(table: string): Model {
  const weights = new Map<string, readonly number[]>();
  for (const line of table.trim().split('\n')) {
    const [name = '', numbers = ''] = line.split('|');
    weights.set(name.trim(), numbers.trim().split(/\s+/).map(Number));
  }
  return { weights };
}

export function classify(
  weighed: ReadonlyMap<string, number>,
  model: Model = SHIPPED,
): { category: Guess<TaskCategory>; complexity: Guess<Complexity> } {
  const scores = Array.from(model.weights.get(BIAS) ?? CLASSES.map(() => 0));
  for (const [name, value] of weighed) {
    const weights = model.weights.get(name);
    if (weights === undefined || value === 0) continue;
    for (const [index, weight] of weights.entries())
      scores[index] = (scores[index] ?? 0) + weight * value;
  }
  return {
    category: likeliest(TASK_CATEGORIES, scores.slice(0, TASK_CATEGORIES.length)),
    complexity: likeliest(COMPLEXITIES, scores.slice(TASK_CATEGORIES.length)),
  };
}

function likeliest<Name extends string>(
  names: readonly [Name, ...Name[]],
  scores: readonly number[],
): Guess<Name> {
  const highest = Math.max(...scores);
  const total = scores.reduce((sum, score) => sum + Math.exp(score - highest), 0);
  return { name: names[scores.indexOf(highest)] ?? names[0], probability: 1 / total };
}
