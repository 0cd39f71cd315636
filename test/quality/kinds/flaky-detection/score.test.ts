import { describe, expect, it } from 'vitest';
import type { Cause } from '../../../../src/quality/kinds/flaky-detection/causes.ts';
import type {
  FixEvidence,
  TestVerdict,
} from '../../../../src/quality/kinds/flaky-detection/evidence.ts';
import { macroF1, mcc, scoreParts } from '../../../../src/quality/kinds/flaky-detection/score.ts';

const judged = (is: string, said: string) =>
  Array.from(is, (letter, index) => ({ is: letter === '1', said: said[index] === '1' }));

describe("Matthews' correlation", () => {
  it.each([
    ['10010', '10010', 1],
    ['10010', '01101', -1],
    ['10010', '11111', 0],
    ['10010', '00000', 0],
    ['00000', '00000', 0],
    // tp 1, fp 1, fn 0, tn 3
    ['10000', '11000', 3 / Math.sqrt(2 * 1 * 4 * 3)],
  ])('of %s and %s is %f', (is, said, expected) => {
    expect(mcc(judged(is, said))).toBeCloseTo(expected, 12);
  });
});

describe('macro-F1', () => {
  it.each<[(Cause | undefined)[], (Cause | undefined)[], number]>([
    [['time'], ['time'], 1],
    [['time', 'randomness'], ['time', 'randomness'], 1],
    [['time', 'randomness'], ['time', 'time'], (2 / 3 + 0) / 2],
    [['time', undefined, undefined], ['time', 'time', 'time'], 2 / 4],
    [['time'], [undefined], 0],
    [[undefined], [undefined], 0],
    [[undefined], ['time'], 0],
  ])('of %s and %s is %f', (is, said, expected) => {
    const labels = is.map((cause, index) => ({ is: cause, said: said[index] }));
    expect(macroF1(labels)).toBeCloseTo(expected, 12);
  });
});

const test = (
  flaky: boolean,
  cause: Cause | null,
  saidFlaky: boolean | null,
  saidCause: Cause | null = null,
): TestVerdict => ({ title: '', flaky, cause, failures: flaky ? 9 : 0, saidFlaky, saidCause });

function ran(
  mended: { survived: boolean; killed: number; total: number }[],
  others: [number, number],
): FixEvidence {
  return {
    state: 'ran',
    reruns: 100,
    mended: mended.map(({ survived, killed, total }) => ({
      title: '',
      survived,
      guards: { killed, total },
    })),
    failures: [],
    others: { killed: others[0], total: others[1] },
  };
}

const points = (tests: TestVerdict[], fix: FixEvidence = { state: 'none' }) =>
  scoreParts({ tests, fix }).map((part) => part.points);

describe('a flaky spec', () => {
  const right = [
    test(true, 'time', true, 'time'),
    test(false, null, false),
    test(false, null, false),
  ];

  it('earns all for verdicts, cause and a fix that holds', () => {
    const fix = ran([{ survived: true, killed: 4, total: 4 }], [3, 3]);
    expect(points(right, fix)).toEqual([40, 20, 40]);
  });

  it('earns a fix by what it still tests', () => {
    const one = (survived: boolean, killed: number, others = 3) =>
      points(right, ran([{ survived, killed, total: 4 }], [others, 3]))[2];
    expect(one(true, 3)).toBe(30);
    expect(one(true, 0)).toBe(0);
    expect(one(false, 4)).toBe(0);
    expect(one(true, 4, 0)).toBe(0);
    const half = [
      { survived: true, killed: 2, total: 2 },
      { survived: false, killed: 2, total: 2 },
    ];
    expect(points(right, ran(half, [0, 0]))[2]).toBe(20);
  });

  it('earns nothing for the same word on every test', () => {
    const all = (flaky: boolean) =>
      right.map((each) => ({ ...each, saidFlaky: flaky, saidCause: null }));
    expect(points(all(true))).toEqual([0, 0, 0]);
    expect(points(all(false))).toEqual([0, 0, 0]);
    expect(points(all(true).map((each) => ({ ...each, saidCause: 'time' })))).toEqual([0, 10, 0]);
  });

  it('takes what is not said for wrong', () => {
    expect(points(right.map((each) => ({ ...each, saidFlaky: null })))).toEqual([0, 0, 0]);
    const silent = [right[0], test(false, null, null), right[2]].filter(
      (each) => each !== undefined,
    );
    expect(points(silent)[0]).toBeCloseTo(40 * 0.5, 3);
  });

  it('asks no cause of a test that is sound', () => {
    expect(points([...right.slice(0, 2), test(false, null, false, 'randomness')])[1]).toBe(20);
  });
});

describe('a stable spec', () => {
  const right = [
    test(false, 'time', false, 'time'),
    test(false, null, false),
    test(false, null, false),
  ];

  it('earns all for leaving it alone and knowing why', () => {
    expect(points(right)).toEqual([40, 20, 40]);
  });

  it('earns a fifth for leaving it alone without knowing why', () => {
    expect(points(right.map((each) => ({ ...each, saidCause: null })))).toEqual([0, 0, 20]);
  });

  it('earns nothing for the same word on every test', () => {
    const accused = right.map((each) => ({ ...each, saidFlaky: true, saidCause: null }));
    expect(points(accused)).toEqual([0, 0, 0]);
  });

  it('earns nothing for the cause of a test that is accused', () => {
    const accused = right.with(0, test(false, 'time', true, 'time'));
    expect(points(accused)).toEqual([0, 0, 13.333]);
  });

  it('loses for each test that is accused, and the fix for a needless one', () => {
    const one = right.with(2, test(false, null, true));
    expect(points(one)[0]).toBeCloseTo((40 * 2) / 3, 3);
    expect(points(right, { state: 'needless' })).toEqual([40, 20, 0]);
  });

  it('earns nothing when nothing is said', () => {
    expect(points(right.map(({ cause }) => test(false, cause, null)))).toEqual([0, 0, 0]);
  });
});
