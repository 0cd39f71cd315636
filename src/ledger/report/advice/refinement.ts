import { z } from 'zod';
import { attemptsWhere, examplesOf, perMonth, type Adviser } from './context.ts';

const NANO = 1e9;

/** What whoever refines answers tells of each, as an event `refined`. */
const refinedSchema = z.object({
  /** Rounds after the first answer. */
  rounds: z.int().min(0),
  /** The round whose answer was given; 0 is the first answer. */
  kept: z.int().min(0),
});

/** Rounds of refinement after the one whose answer was given. */
export const refinement: Adviser = (context) => {
  const { database, range, cells, hours } = context;
  const its = cells.filter(({ kind }) => kind.purpose === 'refinement');
  const attempts = its.reduce((sum, cell) => sum + cell.sums.attempts, 0);
  if (attempts === 0) return [];
  const usd = its.reduce((sum, cell) => sum + cell.sums.nanoUsd / NANO + cell.hardwareUsd, 0);
  const seconds = its.reduce((sum, cell) => sum + cell.sums.ms / 1000, 0);
  const told = database
    .prepare(
      `SELECT detail FROM route_events WHERE at >= @since AND at < @until AND kind = 'refined'`,
    )
    .pluck()
    .all(range)
    .flatMap((detail) => {
      const read = refinedSchema.safeParse(JSON.parse(String(detail)));
      return read.success ? [read.data] : [];
    });
  const rounds = told.reduce((sum, one) => sum + one.rounds, 0);
  const vain = told.reduce((sum, one) => sum + Math.max(0, one.rounds - one.kept), 0);
  if (told.length > 0 && vain === 0) return [];
  const share = rounds === 0 ? undefined : vain / rounds;
  const cost = `${attempts} attempts and ${Math.round(seconds)} s of work`;
  return [
    {
      kind: 'refinement',
      title: 'Rounds of refinement that buy nothing',
      detail:
        share === undefined
          ? `Refinement took ${cost}. Which of its rounds helped was not recorded.`
          : `Of ${rounds} rounds for ${told.length} answers, ${vain} came after the one whose answer was given. Refinement took ${cost}.`,
      action: 'Allow fewer rounds, or stop where a round gains nothing twice.',
      savedPerMonthUsd:
        share === undefined || usd === 0
          ? null
          : perMonth({ lower: usd * share, estimate: usd * share, upper: usd * share }, hours),
      effort: 'low',
      evidence: {
        rows: attempts,
        usd,
        examples: examplesOf(context, attemptsWhere("k.purpose = 'refinement'")),
      },
    },
  ];
};
