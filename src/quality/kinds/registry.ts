import type { Category } from '../result.ts';
import { codeReview, type CodeReviewTask } from './code-review/kind.ts';
import { coverageAnalysis, type CoverageAnalysisTask } from './coverage-analysis/kind.ts';
import { flakyDetection } from './flaky-detection/kind.ts';
import type { FlakyDetectionTask } from './flaky-detection/task.ts';
import type { Kind } from './kind.ts';
import { testGeneration, type TestGenerationTask } from './test-generation/kind.ts';

/** A task of any category, with everything its folder holds. */
export type Task = TestGenerationTask | CoverageAnalysisTask | FlakyDetectionTask | CodeReviewTask;

const KINDS: readonly Kind<Task>[] = [testGeneration, coverageAnalysis, flakyDetection, codeReview];
const BY_CATEGORY = new Map(KINDS.map((kind) => [kind.category, kind]));

export function kindOf(category: Category): Kind<Task> {
  const kind = BY_CATEGORY.get(category);
  if (kind === undefined) throw new Error(`there is no category ${category}`);
  return kind;
}
