import { z } from 'zod';
import type { Config } from '../../config/schema.ts';
import { quantile } from '../../core/statistics.ts';
import type { Database } from '../../storage/database.ts';
import { withStorage } from '../../storage/failure.ts';
import { qualityBounds } from '../assess.ts';
import { foldLog, type ChainedEntry, type Rollout } from '../log.ts';
import { readLog, readTallies } from '../read.ts';
import type { RolloutStore } from '../store.ts';
import { DAY_MS, type Tallies } from '../tallies.ts';
import type { Measured, Measures } from './gates.ts';

/** Days that are looked back on. */
const DAYS = 30;

/**
 * Reads the figures that gates ask for; one that nothing was recorded of is absent.
 * @throws AppError `storage.*`
 */
export function measureGates(
  database: Database,
  store: RolloutStore,
  { now, routing }: { now: number; routing: Config['routing'] },
): Measures {
  return withStorage(() => {
    const since = now - DAYS * DAY_MS;
    const stages = stagesOf(store);
    return {
      ...ledgerFigures(database, since, now),
      ...stored(database, since),
      ...rolloutFigures(stages),
      ...qualityFigure(database, stages),
      ...savingsFigure(database, since, stages),
      'retention-days': { value: routing.retentionDays, source: 'configuration' },
    };
  });
}

const requestSums = z.object({
  answered: z.int(),
  failed: z.int(),
  local: z.int(),
  cloud: z.int(),
});
const moneySums = z.object({
  nano: z.number().nullable(),
  unpriced: z.int(),
  first: z.int().nullable(),
});

function ledgerFigures(database: Database, since: number, now: number): Measures {
  const sums = requestSums.parse(
    database
      .prepare(
        `SELECT count(*) FILTER (WHERE state = 'answered') AS answered,
           count(*) FILTER (WHERE state = 'failed') AS failed,
           count(*) FILTER (WHERE state = 'answered' AND answered_tier <> 'cloud') AS local,
           count(*) FILTER (WHERE state = 'answered' AND answered_tier = 'cloud') AS cloud
         FROM requests WHERE at >= ?`,
      )
      .get(since),
  );
  const { answered, failed, local, cloud } = sums;
  if (answered === 0) return {};
  const source = `ledger, ${DAYS} days`;
  const times = z
    .array(z.number())
    .parse(
      database
        .prepare(
          "SELECT total_ms FROM requests WHERE at >= ? AND state = 'answered' ORDER BY total_ms",
        )
        .pluck()
        .all(since),
    );
  const money = moneySums.parse(
    database
      .prepare(
        `SELECT sum(nano_usd) AS nano, count(*) FILTER (WHERE nano_usd IS NULL) AS unpriced,
           min(at) AS first
         FROM attempts WHERE at >= ?`,
      )
      .get(since),
  );
  const n = answered;
  return {
    'local-share': { value: local / n, n, source },
    'cloud-share': { value: cloud / n, n, source },
    availability: { value: n / (n + failed), n: n + failed, source },
    'latency-p50': { value: quantile(times, 0.5), n, source },
    'latency-p95': { value: quantile(times, 0.95), n, source },
    ...spending(money, n, now),
  };
}

/** What is of unknown price is not taken for nothing. */
function spending(
  { nano, unpriced, first }: z.output<typeof moneySums>,
  n: number,
  now: number,
): Measures {
  if (unpriced > 0 || first === null) return {};
  const usd = (nano ?? 0) / 1e9;
  const days = Math.min(DAYS, Math.max(1, (now - first) / DAY_MS));
  const source = `ledger, ${days.toFixed(1)} days, without one's own hardware`;
  return {
    'monthly-usd': { value: (usd / days) * DAYS, n, source },
    'usd-per-request': { value: usd / n, n, source },
  };
}

function stored(database: Database, since: number): Measures {
  const one = (sql: string, ...values: number[]): number =>
    z
      .number()
      .nullable()
      .parse(
        database
          .prepare(sql)
          .pluck()
          .get(...values),
      ) ?? 0;
  const lookups = one('SELECT count(*) FROM pattern_recalls WHERE at >= ?', since);
  const hits = one(
    "SELECT count(*) FROM pattern_recalls WHERE at >= ? AND kind IN ('exact', 'near')",
    since,
  );
  const perSecond = one(
    `SELECT max(step.value ->> '$.requestsPerSecond')
     FROM serve_checks, json_each(result, '$.target.load.steps') AS step`,
  );
  const examples = one("SELECT count(*) FROM patterns WHERE verified <> 'no'");
  return {
    ...(lookups === 0
      ? {}
      : { 'cache-hits': { value: hits / lookups, n: lookups, source: `memory, ${DAYS} days` } }),
    ...(perSecond === 0
      ? {}
      : { throughput: { value: perSecond, source: 'serve-check, the best of all' } }),
    ...(examples === 0 ? {} : { examples: { value: examples, source: 'verified patterns' } }),
  };
}

/** A share that a rollout had, and what was observed there. */
interface Stage {
  rollout: Rollout;
  tallies: Tallies;
  serve: number;
  /** How it ended; absent while it lasts. */
  ended?: ChainedEntry['entry'];
}

/** Every stage of every rollout in the log, the oldest first. */
function stagesOf(store: RolloutStore): Stage[] {
  const log = readLog(store);
  if (log.state !== 'intact') return [];
  const entries = log.entries.map(({ entry }) => entry);
  const stages: Stage[] = [];
  let before: Rollout | undefined;
  for (let count = 1; count <= entries.length; count += 1) {
    const rollout = foldLog(entries.slice(0, count));
    if (rollout === undefined) continue;
    const isNew = rollout.stage.seq !== before?.stage.seq;
    const last = stages.at(-1);
    if (isNew && last?.rollout.id === rollout.id && last.ended === undefined) {
      last.ended = rollout.last;
    }
    const { state } = rollout;
    if (isNew && 'at' in state && state.state !== 'completed') {
      stages.push({ rollout, tallies: readTallies(store, rollout), serve: state.at.serve });
    }
    before = rollout;
  }
  return stages;
}

function qualityOf({ rollout, tallies }: Stage): Measured | undefined {
  const { pairs } = tallies.stage;
  let candidate = 0;
  let reference = 0;
  for (const pair of pairs) {
    candidate += pair.candidate * pair.count;
    reference += pair.reference * pair.count;
  }
  if (!(reference > 0)) return undefined;
  const { lower, upper } = qualityBounds(rollout.plan, pairs);
  return {
    value: candidate / reference,
    lower,
    ...(Number.isFinite(upper) ? { upper } : {}),
    n: tallies.graded.scored,
    source: `rollout ${rollout.id}`,
  };
}

function rolloutFigures(stages: readonly Stage[]): Measures {
  const source = (stage: Stage): string => `rollout ${stage.rollout.id}`;
  const shadow = stages.findLast(({ serve, ended }) => serve === 0 && ended !== undefined);
  const half = stages.findLast(({ serve }) => serve >= 50 && serve < 80);
  const primary = stages.findLast(({ serve }) => serve >= 80);
  const back = stages.filter(({ ended }) => ended?.actor === 'guardrail' && isBack(ended));
  const [first] = back;
  const held = half && qualityOf(half);
  return {
    ...(shadow?.ended === undefined
      ? {}
      : { 'shadow-held': { value: isBack(shadow.ended) ? 0 : 1, source: source(shadow) } }),
    ...(held === undefined ? {} : { 'half-held': held }),
    ...(primary === undefined
      ? {}
      : { 'primary-days': { value: primary.tallies.days, source: source(primary) } }),
    ...(first === undefined ? {} : { rollbacks: { value: back.length, source: source(first) } }),
  };
}

function isBack({ event }: ChainedEntry['entry']): boolean {
  return event.type === 'stepped-down' || event.type === 'rolled-back';
}

const baselineRow = z.object({
  id: z.string(),
  reference: z.string(),
  ratio: z.number(),
  lower: z.number(),
  tasks: z.int(),
});

/** The newest stage with comparisons; without one, the newest baseline against a model of the cloud. */
function qualityFigure(database: Database, stages: readonly Stage[]): Measures {
  const compared = stages.toReversed().map(qualityOf);
  const newest = compared.find((figure) => figure !== undefined);
  if (newest !== undefined) return { quality: newest };
  const { data: run } = baselineRow.safeParse(
    database
      .prepare(
        `SELECT run.id, run.plan ->> '$.reference' AS reference, verdict ->> '$.ratio' AS ratio,
           verdict ->> '$.lower' AS lower,
           (SELECT count(*) FROM baseline_results
            WHERE run_id = run.id AND side = candidate) AS tasks
         FROM baseline_verdicts JOIN baseline_runs AS run ON run.id = run_id
         WHERE run.finished_at IS NOT NULL AND verdict ->> '$.lower' IS NOT NULL
           AND (run.plan ->> '$.reference' LIKE 'anthropic:%'
             OR run.plan ->> '$.reference' LIKE 'replay:anthropic:%')
         ORDER BY run.finished_at DESC LIMIT 1`,
      )
      .get(),
  );
  if (run === undefined) return {};
  const { id, reference, ratio: value, lower, tasks: n } = run;
  return { quality: { value, lower, n, source: `baseline ${id} against ${reference}` } };
}

/** All requests at what the reference costs in comparisons, against what was spent. */
function savingsFigure(database: Database, since: number, stages: readonly Stage[]): Measures {
  const priced = stages.findLast(({ tallies }) => tallies.cost.priced > 0);
  if (priced === undefined) return {};
  const { referenceUsd, priced: n } = priced.tallies.cost;
  const spent = z
    .object({ nano: z.number().nullable(), unpriced: z.int(), requests: z.int() })
    .parse(
      database
        .prepare(
          `SELECT (SELECT count(*) FROM requests WHERE at >= @since AND state = 'answered') AS requests,
             sum(nano_usd) AS nano, count(*) FILTER (WHERE nano_usd IS NULL) AS unpriced
           FROM attempts JOIN attempt_kinds ON attempt_kinds.id = kind
           WHERE at >= @since AND purpose <> 'baseline'`,
        )
        .get({ since }),
    );
  const whole = referenceUsd * spent.requests;
  if (spent.unpriced > 0 || !(whole > 0)) return {};
  const value = 1 - (spent.nano ?? 0) / 1e9 / whole;
  const source = `ledger against comparisons of rollout ${priced.rollout.id}, without one's own hardware`;
  return { savings: { value, n, source } };
}
