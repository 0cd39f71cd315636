import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { DEFAULT_PLAN, parsePlan, planSchema, type PlanFile } from '../../src/rollout/plan.ts';

function problemsOf(file: unknown): Record<string, string> {
  try {
    parsePlan(typeof file === 'string' ? file : JSON.stringify(file), 'plan.json');
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    expect(error.code).toBe('rollout.plan-invalid');
    expect(error.exitCode).toBe(2);
    return Object.fromEntries(error.problems.map(({ path, message }) => [path, message]));
  }
  return {};
}

const [shadow, half, primary, alone] = DEFAULT_PLAN.steps;
const withSteps = (...steps: unknown[]): object => ({ ...DEFAULT_PLAN, steps });

describe('a plan file', () => {
  it('has the plan’s ladder and triggers as its default', () => {
    const plan = parsePlan(JSON.stringify(DEFAULT_PLAN), 'plan.json');
    expect(plan.steps.map(({ name, serve }) => [name, serve])).toEqual([
      ['shadow', 0],
      ['A/B', 50],
      ['primary', 80],
      ['independent', 99],
    ]);
    expect(plan.steps.map(({ days }) => days)).toEqual([7, 7, 7, 7]);
    expect(plan).toMatchObject({
      quality: { margin: 0.05 },
      errors: { most: 0.02 },
      latency: { increase: 0.5 },
      stepDown: 20,
      advance: 'manual',
    });
  });

  it('says what it leaves out as the default does', () => {
    const least: PlanFile = { steps: DEFAULT_PLAN.steps };
    expect(planSchema.parse(least)).toEqual(planSchema.parse(DEFAULT_PLAN));
  });

  it('refuses steps out of order, and names each', () => {
    expect(problemsOf(withSteps(shadow, primary, half, alone))).toEqual({
      'steps.2.serve': 'expected more than the 80 of the step before',
    });
    expect(problemsOf(withSteps(half, shadow, shadow))).toEqual({
      'steps.0.serve': 'expected 0: the first step is in the shadow',
      'steps.1.serve': 'expected more than the 50 of the step before',
      'steps.2.serve': 'expected more than the 0 of the step before',
    });
    expect(problemsOf(withSteps({ ...shadow, compare: 0 }, half))).toEqual({
      'steps.0.compare': 'expected more than 0: nothing would be compared',
    });
  });

  it('names every problem', () => {
    const wrong = {
      steps: [{ ...shadow, serve: -1 }, { name: 'x' }],
      reference: 'claude',
      quality: { margin: 0.3, hard: 0.2 },
      errors: { most: 2 },
      advance: 'maybe',
      colour: 'red',
    };
    expect(Object.keys(problemsOf(wrong)).toSorted()).toEqual([
      'advance',
      'errors.hard',
      'errors.most',
      'plan.json',
      'quality.hard',
      'reference',
      'steps.0.serve',
      'steps.1.compare',
      'steps.1.days',
      'steps.1.pairs',
      'steps.1.requests',
      'steps.1.serve',
    ]);
  });

  it('refuses a side that is to replace itself, and what is no JSON', () => {
    expect(problemsOf({ ...DEFAULT_PLAN, candidate: 'cloud' })).toEqual({
      candidate: 'expected another than the reference, cloud',
    });
    expect(Object.keys(problemsOf('{"steps": ['))).toEqual(['plan.json']);
  });
});
