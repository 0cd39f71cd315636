import type { Category } from '../result.ts';
import { codeReviewTelling } from './code-review/telling.ts';
import { coverageAnalysisTelling } from './coverage-analysis/telling.ts';
import { flakyDetectionTelling } from './flaky-detection/telling.ts';
import type { Telling } from './telling.ts';
import { testGenerationTelling } from './test-generation/telling.ts';

const TELLINGS: readonly Telling<Category>[] = [
  testGenerationTelling,
  coverageAnalysisTelling,
  flakyDetectionTelling,
  codeReviewTelling,
];
const BY_CATEGORY = new Map(TELLINGS.map((telling) => [telling.category, telling]));

/** Every category, in the order of suites and reports. */
export const CATEGORIES: readonly Category[] = TELLINGS.map(({ category }) => category);

/** How the grades of a category are told. */
export function tellingOf(category: Category): Telling<Category> {
  const telling = BY_CATEGORY.get(category);
  if (telling === undefined) throw new Error(`nothing tells of ${category}`);
  return telling;
}
