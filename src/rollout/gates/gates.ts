import { z } from 'zod';
import { AppError } from '../../core/errors.ts';
import {
  CRITERIA,
  OTHERWISE,
  PHASES,
  type Criterion,
  type MeasureId,
  type Phase,
} from './criteria.ts';

/** A figure as it was measured. */
export interface Measured {
  value: number;
  /** Bounds that the figure is sure to lie between, where there are any. */
  lower?: number;
  upper?: number;
  /** Observations behind it; absent where it is no estimate. */
  n?: number;
  /** Where it comes from, as `rollout 20261124-…` or `ledger`. */
  source: string;
}

export type Measures = Partial<Record<MeasureId, Measured>>;

export interface JudgedCriterion extends Criterion {
  state: 'PASS' | 'FAIL' | 'UNKNOWN';
  /** The figure in words; absent where there is none. */
  figure?: string;
  source: string;
}

export interface PhaseGate {
  phase: Phase;
  /** UNKNOWN where nothing fails and something is not known. */
  decision: 'GO' | 'NO-GO' | 'UNKNOWN';
  /** What the plan does where it is not GO. */
  otherwise: string;
  criteria: JudgedCriterion[];
}

/** Fewer observations say nothing. */
const LEAST = 30;

const statementsSchema = z.record(
  z.string(),
  z.strictObject({
    met: z.boolean(),
    figure: z.string().min(1).optional(),
    source: z.string().min(1).describe('Who says so, or where it stands.'),
  }),
);
/** What somebody says of criteria that the state folder holds no figure of. */
export type Statements = z.output<typeof statementsSchema>;

/**
 * @param text JSON: criterion → { met, figure?, source }
 * @throws AppError `rollout.evidence-invalid` with every problem
 */
export function parseStatements(text: string, file: string): Statements {
  const parsed = statementsSchema.safeParse(jsonIn(text));
  const problems = (parsed.error?.issues ?? []).map(({ path, message }) => ({
    path: path.length === 0 ? file : path.map(String).join('.'),
    message,
  }));
  for (const id of Object.keys(parsed.data ?? {})) {
    const criterion = CRITERIA.find((it) => it.id === id);
    if (criterion === undefined) problems.push({ path: id, message: 'there is no such criterion' });
    else if (criterion.test !== undefined) {
      problems.push({ path: id, message: 'this one is measured, and not said' });
    }
  }
  if (parsed.success && problems.length === 0) return parsed.data;
  throw new AppError('rollout.evidence-invalid', `The evidence has errors: ${file}`, {
    problems,
    hint: 'aqe-llm rollout gates --json lists the criteria by their ids.',
  });
}

/** Pure: the plan's gates, each criterion with its figure, its source and what comes of it. */
export function judgeGates(measures: Measures, statements: Statements): PhaseGate[] {
  return PHASES.map((phase) => {
    const criteria = CRITERIA.filter((it) => it.phase === phase).map((it) =>
      judge(it, measures, statements),
    );
    const states = new Set(
      criteria.filter(({ kind }) => kind === 'gate').map(({ state }) => state),
    );
    const decision = states.has('FAIL') ? 'NO-GO' : states.has('UNKNOWN') ? 'UNKNOWN' : 'GO';
    return { phase, decision, otherwise: OTHERWISE[phase], criteria };
  });
}

function judge(criterion: Criterion, measures: Measures, statements: Statements): JudgedCriterion {
  const { id, test, how } = criterion;
  if (test === undefined) {
    const said = statements[id];
    if (said === undefined) return { ...criterion, state: 'UNKNOWN', source: how };
    const { met, figure, source } = said;
    return {
      ...criterion,
      state: met ? 'PASS' : 'FAIL',
      source,
      ...(figure === undefined ? {} : { figure }),
    };
  }
  const measured = measures[test.measure];
  if (measured === undefined) return { ...criterion, state: 'UNKNOWN', source: how };
  return {
    ...criterion,
    state: stateOf(test, measured),
    figure: inWords(test.measure, measured),
    source: measured.source,
  };
}

function stateOf(
  { is, target }: NonNullable<Criterion['test']>,
  { value, lower, upper, n = LEAST }: Measured,
): JudgedCriterion['state'] {
  if (n < LEAST) return 'UNKNOWN';
  if (is === 'below') return value < target ? 'PASS' : 'FAIL';
  // Between its bounds a figure may be on either side.
  if ((lower ?? value) >= target) return 'PASS';
  return (upper ?? value) < target ? 'FAIL' : 'UNKNOWN';
}

const SHARES: ReadonlySet<MeasureId> = new Set<MeasureId>([
  'local-share',
  'cloud-share',
  'quality',
  'savings',
  'availability',
  'cache-hits',
  'half-held',
]);

function inWords(id: MeasureId, { value, lower, upper, n }: Measured): string {
  const show = (figure: number): string => {
    if (SHARES.has(id)) return `${Number((figure * 100).toFixed(1))} %`;
    if (id.startsWith('latency')) return `${Math.round(figure)} ms`;
    if (id === 'monthly-usd') return `$${figure.toFixed(2)}`;
    if (id === 'usd-per-request') return `$${figure.toFixed(5)}`;
    return String(Number(figure.toFixed(1)));
  };
  if (id === 'shadow-held') return value === 1 ? 'held' : 'it went back';
  const bounds =
    lower === undefined ? '' : ` (${show(lower)} to ${upper === undefined ? '∞' : show(upper)})`;
  return `${show(value)}${bounds}${n === undefined ? '' : `, n = ${n}`}`;
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
