import { z } from 'zod';
import { attemptsWhere, perMonth, usdOf, type Adviser } from './context.ts';

const LEAST_ROWS = 10;
const EXAMPLES = 3;

const totalSchema = z.object({
  prompts: z.int(),
  repeats: z.int().nullable(),
  nano: z.number().nullable(),
  ms: z.number().nullable(),
});

const ANSWERS = "k.purpose = 'answer' AND k.outcome = 'ok'";

/** Of more answers the newest are looked at: repeats that lie far apart in time are of little use. */
const MOST_ROWS = 200_000;
const HOUR_MS = 3_600_000;

/** Prompts that models have answered more than once, word for word. */
export const cacheable: Adviser = ({ database, range: { since, until }, cells }) => {
  const answers = cells.filter(({ kind }) => kind.purpose === 'answer' && kind.outcome === 'ok');
  const count = answers.reduce((sum, { sums }) => sum + sums.attempts, 0);
  const share = Math.min(1, MOST_ROWS / Math.max(1, count));
  const range = { since: Math.floor(until - (until - since) * share), until };
  const hours = (range.until - range.since) / HOUR_MS;
  // A repeat costs what the prompt costs on average.
  const { prompts, repeats, nano, ms } = totalSchema.parse(
    database
      .prepare(
        `SELECT count(*) AS prompts, sum(n - 1) AS repeats, sum(nano * (n - 1) / n) AS nano, sum(ms * (n - 1) / n) AS ms
         FROM (SELECT count(*) AS n, total(a.nano_usd) AS nano, total(a.total_ms) AS ms
           FROM ${attemptsWhere(ANSWERS, 'a.prompt IS NOT NULL')} GROUP BY a.prompt HAVING count(*) > 1)`,
      )
      .get(range),
  );
  if ((repeats ?? 0) < LEAST_ROWS) return [];
  const usd = usdOf(nano) ?? 0;
  const examples = database
    .prepare(
      `SELECT max(a.request_id) FROM ${attemptsWhere(ANSWERS, 'a.prompt IS NOT NULL')}
       GROUP BY a.prompt HAVING count(*) > 1 ORDER BY count(*) DESC LIMIT ${EXAMPLES}`,
    )
    .pluck()
    .all(range)
    .map(String);
  return [
    {
      kind: 'cacheable',
      title: 'The same prompts are answered again and again',
      detail: `${share < 1 ? `Of the last ${Math.round(hours / 24)} days: ` : ''}${prompts} prompts came more than once, word for word: ${repeats} answers were repeats and took ${Math.round((ms ?? 0) / 1000)} s of work. Only answers that somebody has verified are given from memory.`,
      action:
        'Set patterns.cache to shadow, look at what it would have answered (aqe-llm curate), then to on.',
      savedPerMonthUsd: usd === 0 ? null : perMonth({ lower: 0, estimate: usd, upper: usd }, hours),
      effort: 'low',
      evidence: { rows: repeats ?? 0, usd, examples },
    },
  ];
};
