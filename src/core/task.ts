/** What an agent of the fleet asks for; `other` is everything that is no quality engineering. */
export const TASK_CATEGORIES = [
  'test-generation',
  'coverage-analysis',
  'flaky-detection',
  'code-review',
  'other',
] as const;
export type TaskCategory = (typeof TASK_CATEGORIES)[number];

/** How hard a request is; the plan's four kinds of work, the easiest first. */
export const COMPLEXITIES = ['simple', 'moderate', 'complex', 'reasoning'] as const;
export type Complexity = (typeof COMPLEXITIES)[number];

/** The best first: how soon somebody needs the answer. */
export const PRIORITIES = ['high', 'medium', 'low'] as const;
export type Priority = (typeof PRIORITIES)[number];
