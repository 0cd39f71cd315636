import { beforeAll, describe, expect, it } from 'vitest';
import { createExecutor } from '../../../../src/quality/execution/index.ts';
import {
  gradeCoverageAnalysis,
  pointsOf,
} from '../../../../src/quality/kinds/coverage-analysis/grade.ts';
import {
  coverageAnalysis,
  type CoverageAnalysisTask,
} from '../../../../src/quality/kinds/coverage-analysis/kind.ts';
import { measureGaps } from '../../../../src/quality/kinds/coverage-analysis/measure.ts';
import { measuredSchema } from '../../../../src/quality/kinds/coverage-analysis/format.ts';
import { withoutTests } from '../../../../src/quality/kinds/coverage-analysis/test-file.ts';
import { plainSandbox } from '../../execution/plain-sandbox.ts';

const SOURCE = `/** Tells what a number is. */
export function tell(value: number): string {
  if (Number.isNaN(value)) {
    const text = 'nothing';
    return text;
  }
  const sign = value < 0 ? 'minus ' : '';
  const size = Math.abs(value);
  let name = 'many';
  if (size === 0) name = 'zero';
  if (size === 1) name = 'one';
  if (size === 2) {
    name = 'two';
  }
  // never
  if (size < 0) throw new Error('cannot be');
  const label = sign + name;
  return label;
}
`;
const TESTS = `import { describe, expect, it } from 'vitest';
import { tell } from './tell';

describe('tell', () => {
  it('names zero and one', () => {
    expect([tell(0), tell(1), tell(-1), tell(9)]).toEqual(['zero', 'one', 'minus one', 'many']);
  });
  it('names two', () => {
    expect(tell(2)).toBe('two');
  });
  it('takes no number', () => {
    expect(tell(NaN)).toBe('nothing');
  });
});
`;

const executor = createExecutor({ sandbox: plainSandbox() });
const { signal } = new AbortController();

function task(...deleted: string[]): CoverageAnalysisTask {
  return {
    category: 'coverage-analysis',
    id: 'ca-simple-1',
    title: 'title',
    complexity: 'simple',
    cluster: 'tell',
    folder: '/',
    of: 'tg-simple-1',
    deleted,
    subject: 'tell.ts',
    subjectSource: SOURCE,
    referenceSource: TESTS,
    remainingSource: withoutTests(TESTS, new Set(deleted)),
    measured: undefined,
  };
}

type Measured = CoverageAnalysisTask & { measured: ReturnType<typeof measuredSchema.parse> };
let measured: Measured;

beforeAll(async () => {
  const plain = task('tell > names two', 'tell > takes no number');
  const measurement = await measureGaps(plain, 'fingerprint', executor, signal);
  if (measurement.state === 'refused') throw new Error(measurement.problems.join());
  measured = { ...plain, measured: measuredSchema.parse(measurement.measured) };
});

async function grade(answer: unknown) {
  const text = typeof answer === 'string' ? answer : JSON.stringify(answer);
  return gradeCoverageAnalysis(measured, { text, truncated: false, looped: false }, executor);
}

const RIGHT = {
  lines: ['4-5', 13],
  branches: ['3.then', '12.then'],
  test: { branch: '12.then', code: "it('two', () => { expect(tell(2)).toBe('two'); });" },
};

describe('what the remaining tests leave out', () => {
  it('is measured', () => {
    expect(measured.measured).toEqual({
      schema: 'aqe-llm/measured@1',
      subject: 'fingerprint',
      instrumenter: executor.instrumenterVersion,
      lines: {
        covered: [3, 7, 8, 9, 10, 11, 12, 17, 18],
        // The throw in the line of its condition.
        partial: [16],
        uncovered: [4, 5, 13],
      },
      branches: {
        covered: [
          '3.else',
          '7.then',
          '7.else',
          '10.then',
          '10.else',
          '11.then',
          '11.else',
          '12.else',
          '16.else',
        ],
        uncovered: ['3.then', '12.then'],
        unreachable: ['16.then'],
      },
      proposal: { branch: '12.then', test: 'tell > names two' },
    });
  });

  it('is refused where there is too little or too much of it', async () => {
    const problems = async (...deleted: string[]) => {
      const measurement = await measureGaps(task(...deleted), '', executor, signal);
      return measurement.state === 'refused' ? measurement.problems : [];
    };
    expect(await problems('tell > names two')).toEqual([
      'only 1 uncovered lines: delete more tests',
      'only 1 uncovered branches: delete more tests',
    ]);
    expect(await problems('tell > names zero and one', 'tell > takes no number')).toContain(
      '5 of 11 branches are not covered: delete fewer tests',
    );
    expect(await problems('tell > names three')).toEqual(['there is no test “tell > names three”']);
  });

  it('is asked for without comments, and with the branches that there are', () => {
    const prompt = coverageAnalysis.prompt(measured, '{{file}}\n{{source}}\n{{branches}}');
    expect(prompt).toContain('tell.ts\n  2 export function tell');
    expect(prompt).not.toContain('never');
    expect(prompt).toContain(
      '\n10.else 10.then\n11.else 11.then\n12.else 12.then\n16.else 16.then',
    );
  });
});

describe('an analysis', () => {
  it('earns all for all gaps and a test that reaches one', async () => {
    const { score, parts, evidence } = await grade(RIGHT);
    expect(score).toBe(10);
    expect(parts).toEqual([
      { name: 'lines', points: 40, max: 40 },
      { name: 'branches', points: 30, max: 30 },
      { name: 'proof', points: 30, max: 30 },
    ]);
    expect(evidence.proposal).toEqual({ state: 'reached', branch: '12.then' });
    expect((await grade(coverageAnalysis.goldAnswer(measured))).score).toBe(10);
  });

  it('earns nothing for nothing', async () => {
    for (const answer of ['', 'Everything is covered.', '[]', '{}']) {
      expect((await grade(answer)).score).toBe(0);
    }
    // Ten points are for the form.
    expect(
      (await grade({ ...RIGHT, lines: [], branches: [], test: { branch: 'x', code: 'y' } })).score,
    ).toBe(1);
  });

  it('may name lines without code, lines that are run in part, and what nothing can reach', async () => {
    const { score } = await grade({
      ...RIGHT,
      lines: ['4-6', '13-16'],
      branches: [...RIGHT.branches, '16.then'],
    });
    expect(score).toBe(10);
  });

  it.each([
    ['an input that reaches it', 'tell(2);', 'reached'],
    [
      'a test that fails, but reaches it',
      "it('x', () => { expect(tell(2)).toBe('three'); });",
      'reached',
    ],
    ['another input', 'tell(3);', 'missed'],
    ['a test that is never run', "it.skip('x', () => { tell(2); });", 'missed'],
    ['code that does not load', "it('x', () => { tell(2); }); nobody();", 'not-loaded'],
    ['code that does not parse', 'it(', 'not-loaded'],
  ])('proposes %s', async (_, code, state) => {
    const { evidence, parts } = await grade({ ...RIGHT, test: { branch: '12.then', code } });
    expect(evidence.proposal.state).toBe(state);
    expect(parts[2]?.points).toBe(state === 'reached' ? 30 : 10);
  });

  it('proposes nothing for a branch that is no gap', async () => {
    const { evidence } = await grade({ ...RIGHT, test: { branch: '10.then', code: 'tell(0);' } });
    expect(evidence.proposal).toEqual({ state: 'no-gap', branch: '10.then' });
  });

  it('cannot write its own coverage', async () => {
    const code = `it('x', () => {
      const counters = { 'tell.ts': { s: {}, b: { 4: [9, 9] } } };
      Object.assign(globalThis, { counters, aqeScope: { counters }, __coverage__: counters });
      process.stdout?.write?.('{"type":"tested","key":"x","state":"passed","touched":["b4.0"]}');
    });`;
    const { evidence } = await grade({ ...RIGHT, test: { branch: '12.then', code } });
    expect(evidence.proposal.state).toBe('missed');
  });
});

describe('the points', () => {
  const points = (changes: object) =>
    pointsOf({
      lines: { found: [1, 2], missed: [], wrong: [] },
      branches: { found: ['a', 'b'], missed: [], wrong: [], isTooMany: false },
      isWellFormed: true,
      proposal: { state: 'reached' },
      ...changes,
    });

  it('for lines are F1', () => {
    expect(points({ lines: { found: [1], missed: [2], wrong: [] } }).lines).toBe(26.667);
    expect(points({ lines: { found: [1, 2], missed: [], wrong: [3, 4] } }).lines).toBe(26.667);
    expect(points({ lines: { found: [], missed: [1], wrong: [2] } }).lines).toBe(0);
  });

  it('for branches are recall, while three of four names are right', () => {
    const branches = (found: number, missed: number, wrong: number, isTooMany = false) => {
      const names = (count: number) => Array.from({ length: count }, (_, index) => String(index));
      const named = { found: names(found), missed: names(missed), wrong: names(wrong), isTooMany };
      return points({ branches: named }).branches;
    };
    expect(branches(3, 3, 0)).toBe(15);
    expect(branches(3, 0, 1)).toBe(30);
    expect(branches(3, 0, 3)).toBe(20);
    expect(branches(3, 0, 9)).toBe(10);
    expect(branches(3, 0, 0, true)).toBe(0);
    expect(branches(0, 3, 0)).toBe(0);
  });
});
