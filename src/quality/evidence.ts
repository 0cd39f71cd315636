import { z } from 'zod';
import type { Database } from '../storage/database.ts';

/** What the newest finished baseline says of a candidate. */
export interface BaselineEvidence {
  runId: string;
  /** Categories of its tasks. */
  categories: readonly string[];
  /** Candidate's mean over the reference's. */
  ratio: number;
  /** One-sided 95 % lower bound of the ratio. */
  lower: number;
  /** Tasks. */
  tasks: number;
}

const rowSchema = z.object({ id: z.string(), verdict: z.string(), categories: z.string() });
const verdictSchema = z.object({
  state: z.enum(['pass', 'marginal', 'fail', 'inconclusive']),
  ratio: z.number().nullable(),
  lower: z.number().nullable(),
});
const categoriesSchema = z.array(z.string());

/** Reads what baselines have measured; `undefined` for a candidate without a conclusive run. */
export function createEvidence(
  database: Database,
): (candidate: string) => BaselineEvidence | undefined {
  const newest = database.prepare(
    `SELECT run.id, judged.verdict, (
       SELECT json_group_array(DISTINCT json_extract(result, '$.category')) FROM baseline_results
       WHERE run_id = run.id AND side = judged.candidate) AS categories
     FROM baseline_verdicts AS judged JOIN baseline_runs AS run ON run.id = judged.run_id
     WHERE run.finished_at IS NOT NULL AND judged.candidate = ?
       AND json_extract(judged.verdict, '$.state') NOT IN ('inconclusive', 'partial')
     ORDER BY run.finished_at DESC LIMIT 1`,
  );
  const count = database
    .prepare('SELECT count(*) FROM baseline_results WHERE run_id = ? AND side = ?')
    .pluck();
  return (candidate) => {
    const found = newest.get(candidate);
    if (found === undefined) return undefined;
    const row = rowSchema.parse(found);
    const { ratio, lower } = verdictSchema.parse(JSON.parse(row.verdict));
    if (ratio === null || lower === null) return undefined;
    const categories = categoriesSchema.parse(JSON.parse(row.categories));
    return { runId: row.id, categories, ratio, lower, tasks: Number(count.get(row.id, candidate)) };
  };
}
