import { z } from 'zod';

/** What a validation is to do, fixed when it starts. */
export const validationPlanSchema = z.strictObject({
  suiteFolder: z.string(),
  suiteName: z.string(),
  suiteHash: z.string(),
  /** `router`, `replay:gold`, `replay:empty`, or a target as `<server>:<model>`. */
  candidate: z.string(),
  tasks: z.int().min(1),
  /** How many of the answers are graded by running them. */
  graded: z.int().min(0),
  seed: z.int(),
  maxTokens: z.int(),
  temperature: z.number(),
  /** What a month's cost is reckoned from. */
  monthlyRequests: z.number().min(0),
  /** Dollars a month for machines, beside what requests cost. */
  infrastructureUsd: z.number().min(0),
});
export type ValidationPlan = z.infer<typeof validationPlanSchema>;

/**
 * The indices of the tasks whose answers are run: as many of each task of the suite as of any other, spread
 * over the whole run.
 * @param bases how many tasks of the suite take turns
 */
export function sampleOf(tasks: number, graded: number, bases: number): Set<number> {
  if (graded >= tasks) return new Set(Array.from({ length: tasks }, (_, index) => index));
  const rounds = Math.ceil(tasks / bases);
  const turns = Math.ceil(graded / bases);
  const sample = new Set<number>();
  for (let turn = 0; turn < turns; turn += 1) {
    const round = Math.floor((turn * rounds) / turns);
    for (let base = 0; base < bases && sample.size < graded; base += 1) {
      const index = round * bases + base;
      if (index < tasks) sample.add(index);
    }
  }
  // The last round may be a short one.
  for (let index = 0; index < tasks && sample.size < graded; index += 1) sample.add(index);
  return sample;
}
