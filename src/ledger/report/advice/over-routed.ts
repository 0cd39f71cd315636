import { z } from 'zod';
import { attemptsWhere, examplesOf, perMonth, usdOf, type Adviser } from './context.ts';

/** Fewer are no pattern. */
const LEAST_ROWS = 20;

const ELSEWHERE = "k.self_hosted = 0 AND k.purpose = 'answer' AND k.outcome = 'ok'";
const EASY = "a.complexity IN ('simple', 'moderate')";

const rowSchema = z.object({
  category: z.string(),
  paid: z.int(),
  nano: z.number().nullable(),
  localAsked: z.int(),
  localOk: z.int(),
});

/**
 * Easy work that was paid for. How much of it a local model would have answered is read from those
 * easy requests of the same category that a local model was asked first.
 */
export const overRouted: Adviser = (context) => {
  const rows = z.array(rowSchema).parse(
    context.database
      .prepare(
        `SELECT k.category AS category,
           sum(k.self_hosted = 0 AND k.outcome = 'ok') AS paid,
           sum(a.nano_usd) FILTER (WHERE k.self_hosted = 0 AND k.outcome = 'ok') AS nano,
           sum(k.self_hosted = 1) AS localAsked,
           sum(k.self_hosted = 1 AND k.outcome = 'ok') AS localOk
         FROM ${attemptsWhere("k.purpose = 'answer'", EASY)} GROUP BY k.category`,
      )
      .all(context.range),
  );
  const found = rows.filter(({ paid, nano }) => paid >= LEAST_ROWS && (nano ?? 0) > 0);
  return found.map(({ category, paid, nano, localAsked, localOk }) => {
    const usd = usdOf(nano);
    const share = localAsked === 0 ? undefined : localOk / localAsked;
    const work = category === '' || category === 'other' ? 'work' : `${category} work`;
    const most = usd ?? 0;
    return {
      kind: 'over-routed',
      title: `Easy ${work} goes to a paid model`,
      detail:
        share === undefined
          ? `${paid} simple or moderate requests were answered by a paid model first. No local model was asked for such work in this time, so nobody knows how much of it one would do.`
          : `${paid} simple or moderate requests were answered by a paid model first. Local models were asked first for ${localAsked} others of the kind and answered ${Math.round(share * 100)} % of them; whether those answers were good only a baseline tells.`,
      action:
        'Measure a local model for it (aqe-llm baseline), then let the adaptive strategy send it there, or move it with aqe-llm rollout.',
      savedPerMonthUsd:
        share === undefined
          ? null
          : perMonth({ lower: 0, estimate: most * share, upper: most }, context.hours),
      effort: 'low',
      evidence: {
        rows: paid,
        usd,
        examples: examplesOf(
          context,
          attemptsWhere(`${ELSEWHERE} AND k.category = @category`, EASY),
          { category },
        ),
      },
    };
  });
};
