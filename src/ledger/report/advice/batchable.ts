import { z } from 'zod';
import { attemptsWhere, examplesOf, perMonth, type Adviser } from './context.ts';

const LEAST_ROWS = 10;
const NANO = 1e9;

const MAY_WAIT =
  "k.self_hosted = 0 AND k.batch = 0 AND k.purpose IN ('answer', 'retry') AND k.outcome = 'ok'";
const PATIENT = "(a.source = 'batch' OR a.priority = 'low')";

const rowSchema = z.object({
  target: z.string(),
  inBatches: z.int(),
  patient: z.int(),
  inBatchesNano: z.number(),
  nano: z.number(),
});

/** Paid work that nobody waits for: it came in a batch, or its priority is low. */
export const batchable: Adviser = (context) => {
  const { database, range, charges, hours } = context;
  const rows = z.array(rowSchema).parse(
    database
      .prepare(
        `SELECT k.target AS target, sum(a.source = 'batch') AS inBatches, count(*) AS patient,
           total(a.nano_usd) FILTER (WHERE a.source = 'batch') AS inBatchesNano,
           total(a.nano_usd) AS nano
         FROM ${attemptsWhere(MAY_WAIT, PATIENT)} GROUP BY k.target`,
      )
      .all(range),
  );
  let count = 0;
  let usd = 0;
  let surely = 0;
  let perhaps = 0;
  for (const { target, patient, inBatchesNano, nano } of rows) {
    const share = charges.priceOf(target, range.until - 1)?.batchShare;
    if (share === undefined || share >= 1) continue;
    count += patient;
    usd += nano / NANO;
    surely += (inBatchesNano / NANO) * (1 - share);
    perhaps += (nano / NANO) * (1 - share);
  }
  if (count < LEAST_ROWS || perhaps === 0) return [];
  return [
    {
      kind: 'batchable',
      title: 'Work that may wait is paid in full',
      detail: `${count} paid requests came from route batch or with a low priority. A provider's batch answers within a day at a share of the price.`,
      action: 'Run them with: aqe-llm route batch --when-convenient',
      savedPerMonthUsd: perMonth({ lower: surely, estimate: perhaps, upper: perhaps }, hours),
      effort: 'low',
      evidence: {
        rows: count,
        usd,
        examples: examplesOf(context, attemptsWhere(MAY_WAIT, PATIENT)),
      },
    },
  ];
};
