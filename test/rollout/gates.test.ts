import { describe, expect, it } from 'vitest';
import { configSchema } from '../../src/config/schema.ts';
import { createLedger } from '../../src/ledger/sqlite-ledger.ts';
import { CRITERIA } from '../../src/rollout/gates/criteria.ts';
import {
  judgeGates,
  parseStatements,
  type JudgedCriterion,
  type Measures,
} from '../../src/rollout/gates/gates.ts';
import { measureGates } from '../../src/rollout/gates/measure.ts';
import { createFollower } from '../../src/rollout/follow.ts';
import { createWatch } from '../../src/rollout/watch.ts';
import { newAttempt, newEnding, newRequest } from '../ledger/records.ts';
import { ASKED, openStore, quickPlan, START, type Opened } from './open-store.ts';

const { routing } = configSchema.parse({});
const measured = ({ database, store, clock }: Opened): Measures =>
  measureGates(database, store, { now: clock.now(), routing });

const judgedOf = (id: string, measures: Measures): JudgedCriterion | undefined =>
  judgeGates(measures, {})
    .flatMap(({ criteria }) => criteria)
    .find((criterion) => criterion.id === id);

/** Requests as a gateway would have recorded them. */
function serve({ database, clock }: Opened, tier: 'direct' | 'cloud', count: number): void {
  const ledger = createLedger(database);
  const usd = tier === 'cloud' ? 0.01 : 0;
  for (let index = 0; index < count; index += 1) {
    const id = `${tier}-${index}`;
    ledger.begin(newRequest({ id, at: clock.at, tier }));
    const attempt = newAttempt({ at: clock.at, tier, selfHosted: tier !== 'cloud', usd });
    ledger.end(id, newEnding({ answeredTier: tier, totalMs: 100 * index }), [attempt]);
  }
}

describe('a criterion', () => {
  const quality = (figure: Partial<Measures['quality']>) =>
    judgedOf('2/quality', { quality: { value: 0.97, n: 200, source: 'rollout r1', ...figure } });

  it('passes, fails, or is not known, with its figure and its source', () => {
    expect(quality({ lower: 0.951, upper: 1.01 })).toMatchObject({
      state: 'PASS',
      figure: '97 % (95.1 % to 101 %), n = 200',
      source: 'rollout r1',
    });
    expect(quality({ lower: 0.93, upper: 1.01 })?.state).toBe('UNKNOWN');
    expect(quality({ value: 0.9, lower: 0.85, upper: 0.94 })?.state).toBe('FAIL');
    expect(quality({ lower: 0.96, n: 29 })?.state).toBe('UNKNOWN');
    expect(judgedOf('2/quality', {})).toMatchObject({ state: 'UNKNOWN' });
  });

  it('is below its target, or not', () => {
    const p95 = (value: number) =>
      judgedOf('1/p95', { 'latency-p95': { value, n: 100, source: 'ledger' } })?.state;
    expect([p95(4999), p95(5000)]).toEqual(['PASS', 'FAIL']);
  });

  it('is said by somebody where it is not measured, with who says so', () => {
    const text = JSON.stringify({
      '1/bugs': { met: true, source: 'the bug tracker, 2026-11-24' },
      '3/team': { met: false, source: 'the team' },
    });
    const said = parseStatements(text, 'e.json');
    const all = judgeGates({}, said).flatMap(({ criteria }) => criteria);
    const of = (id: string) => all.find((criterion) => criterion.id === id);
    expect(of('1/bugs')).toMatchObject({ state: 'PASS', source: 'the bug tracker, 2026-11-24' });
    expect(of('3/team')).toMatchObject({ state: 'FAIL', source: 'the team' });
  });

  it('is not said where it is measured, nor where there is none', () => {
    const text = JSON.stringify({
      '1/quality': { met: true, source: 'me' },
      '9/all': { met: true, source: 'me' },
    });
    expect(() => parseStatements(text, 'e.json')).toThrow(
      expect.objectContaining({
        code: 'rollout.evidence-invalid',
        problems: [
          { path: '1/quality', message: 'this one is measured, and not said' },
          { path: '9/all', message: 'there is no such criterion' },
        ],
      }),
    );
    expect(() => parseStatements('{', 'e.json')).toThrow(/has errors/);
  });

  it('has a name of its own', () => {
    expect(new Set(CRITERIA.map(({ id }) => id)).size).toBe(CRITERIA.length);
  });
});

describe('a gate', () => {
  const good: Measures = {
    'local-share': { value: 0.85, n: 1000, source: 'ledger' },
    quality: { value: 0.99, lower: 0.96, n: 300, source: 'rollout r1' },
    savings: { value: 0.7, n: 300, source: 'ledger' },
  };
  const phase2 = (measures: Measures) => judgeGates(measures, {})[3];

  it('is GO only where each criterion of the decision passes', () => {
    expect(phase2(good)).toMatchObject({ phase: '2', decision: 'GO' });
    const { savings: _, ...unknown } = good;
    expect(phase2(unknown)?.decision).toBe('UNKNOWN');
    const poor = { ...unknown, 'local-share': { value: 0.7, n: 1000, source: 'ledger' } };
    expect(phase2(poor)).toMatchObject({
      decision: 'NO-GO',
      otherwise: 'PAUSE to optimise if quality is below 90 %',
    });
  });
});

describe('what is measured', () => {
  it('is nothing where nothing was recorded, but for the configuration', () => {
    expect(measured(openStore())).toEqual({
      'retention-days': { value: 90, source: 'configuration' },
    });
  });

  it('comes from the ledger', () => {
    const opened = openStore();
    serve(opened, 'direct', 85);
    serve(opened, 'cloud', 15);
    expect(measured(opened)).toMatchObject({
      'local-share': { value: 0.85, n: 100, source: 'ledger, 30 days' },
      'cloud-share': { value: 0.15 },
      availability: { value: 1 },
      'latency-p50': { value: 3450 },
      'monthly-usd': { value: expect.closeTo(0.15 * 30, 6) },
      'usd-per-request': { value: expect.closeTo(0.0015, 9) },
    });
    opened.clock.at += 31 * 86_400_000;
    expect(measured(opened)['local-share']).toBeUndefined();
  });

  it('takes an unknown price for no figure', () => {
    const opened = openStore();
    serve(opened, 'direct', 40);
    const ledger = createLedger(opened.database);
    ledger.begin(newRequest({ id: 'x', at: START }));
    const { usd: _, priceVersion: __, ...unpriced } = newAttempt({ at: START });
    ledger.end('x', newEnding(), [unpriced]);
    expect(measured(opened)['monthly-usd']).toBeUndefined();
  });

  it('comes from the comparisons and the log of rollouts', () => {
    const opened = openStore();
    const { control, store, clock } = opened;
    control.start({ ...ASKED, plan: quickPlan(), draft: false });
    opened.observe(100);
    control.advance(ASKED);
    serve(opened, 'direct', 60);
    serve(opened, 'cloud', 40);
    opened.observe(100, { grading: { state: 'scored', candidate: 9, reference: 9 } });
    const half = measured(opened);
    expect(half).toMatchObject({
      'shadow-held': { value: 1, source: 'rollout r1' },
      'half-held': { value: 1, n: 100 },
      quality: { value: 1, n: 100, source: 'rollout r1' },
      // 100 requests at the reference's 0.01, against 40 that were paid.
      savings: { value: expect.closeTo(0.6, 9), n: 100 },
    });
    expect(half.rollbacks).toBeUndefined();
    const onTrouble = (error: unknown): void => {
      throw error;
    };
    const follower = createFollower({ store, clock, onTrouble });
    opened.observe(300, { grading: { state: 'scored', candidate: 1, reference: 9 } });
    createWatch({ store, follower, clock, onNews: () => {}, onTrouble }).tick();
    expect(measured(opened)).toMatchObject({ rollbacks: { value: 1, source: 'rollout r1' } });
    expect(judgedOf('2/rollback', measured(opened))?.state).toBe('PASS');
  });
});
