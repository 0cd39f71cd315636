import type {
  BaselineReport,
  CandidateReport,
  Complexity,
  Power,
  ErroredTask,
  GradedTask,
  SideReport,
  TaskResult,
  Verdict,
} from '../../../src/quality/result.ts';
import type {
  MutantEvidence,
  TestEvidence,
  TestGenerationEvidence,
} from '../../../src/quality/kinds/test-generation/evidence.ts';
import type { ScoreParts } from '../../../src/quality/kinds/test-generation/grade.ts';
import type { ReportDetails, TaskDetails } from '../../../src/quality/reports/details.ts';

/** What a model could write to break out of a report. */
export const HOSTILE =
  '</script><img src=x onerror="alert(1)"> ]]> `|` \u001B[31mred\u0000 \u202Eevil & <b>bold</b>';

/** Characters of it that drive a terminal or reorder a line. */
export const DRIVING = ['\u001B', '\u0000', '\u202E'];

/** What a run of five tasks can tell. */
const POWER: Power = {
  clusters: 5,
  margin: 0.0498,
  passChance: [
    { trueRatio: 0.95, chance: 0.95 },
    { trueRatio: 0.9, chance: 0.5 },
    { trueRatio: 0.85, chance: 0.049 },
    { trueRatio: 0.8, chance: 0.0005 },
  ],
  clustersForPass: null,
  clustersForStrict: 13,
};

const VERDICTS: Record<Exclude<Verdict['state'], 'partial'>, Verdict> = {
  pass: {
    state: 'pass',
    ratio: 0.9312,
    lower: 0.8814,
    upper: 0.9803,
    strict: false,
    reasons: ['ratio 93.1 % is at least 90.0 % and its lower bound 88.1 % at least 85.0 %'],
    power: POWER,
  },
  marginal: {
    state: 'marginal',
    ratio: 0.89996,
    lower: 0.8205,
    upper: 0.9611,
    strict: false,
    reasons: ['ratio 89.9 % is at least 85.0 % but below 90.0 %'],
    power: { ...POWER, margin: 0.0795, clustersForStrict: null },
  },
  fail: {
    state: 'fail',
    ratio: 0.5868,
    lower: 0.3113,
    upper: 0.8036,
    strict: false,
    reasons: ['ratio 58.7 % is below 85.0 %'],
    power: { ...POWER, margin: 0.2755, clustersForStrict: null },
  },
  inconclusive: {
    state: 'inconclusive',
    ratio: null,
    lower: null,
    upper: null,
    strict: false,
    reasons: [
      '1 of 6 tasks of the candidate ended in an infrastructure error (more than 5 %)',
      'fewer than two independent tasks were graded',
    ],
    power: null,
  },
};
export type SampleState = keyof typeof VERDICTS;

const MERGE_INTERVALS = `export interface Interval {
  start: number;
  end: number;
}

/** Merges intervals that overlap or touch; the result is sorted. */
export function mergeIntervals(intervals: readonly Interval[], gap = 0): Interval[] {
  if (!Array.isArray(intervals)) {
    throw new TypeError('intervals must be an array');
  }
  const sorted = intervals
    .filter(({ start, end }) => Number.isFinite(start) && Number.isFinite(end))
    .map(({ start, end }) => (start <= end ? { start, end } : { start: end, end: start }))
    .sort((a, b) => a.start - b.start);
  const merged: Interval[] = [];
  for (const interval of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && interval.start <= last.end + gap) {
      last.end = Math.max(last.end, interval.end);
    } else {
      merged.push({ ...interval });
    }
  }
  return merged;
}

/** The length that the intervals cover together. */
export function coveredLength(intervals: readonly Interval[]): number {
  return mergeIntervals(intervals).reduce((sum, { start, end }) => sum + (end - start), 0);
}
`;

const ANSWER = `Here are the tests:

\`\`\`ts
import { describe, expect, it } from 'vitest';
import { mergeIntervals } from './merge-intervals';

describe('mergeIntervals', () => {
  it('merges two that overlap', () => {
    expect(mergeIntervals([{ start: 1, end: 3 }, { start: 2, end: 4 }])).toEqual([{ start: 1, end: 4 }]);
  });

  it('merges a chain', () => {
    expect(mergeIntervals([{ start: 1, end: 3 }, { start: 2, end: 4 }, { start: 5, end: 7 }])).toEqual([
      { start: 1, end: 7 },
    ]);
  });

  it('returns nothing for nothing', () => {
    expect(mergeIntervals([])).toEqual([]);
  });
});
\`\`\`
`;

function mutant(
  line: number,
  mutator: string,
  original: string,
  replacement: string,
  state: MutantEvidence['state'],
  boundary = false,
): MutantEvidence {
  const id = `${line}:4-${line}:${4 + original.length} ${mutator} ${replacement}`;
  return { id, mutator, line, original, replacement, boundary, state };
}

function mutants(survivors: number): MutantEvidence[] {
  const list: [number, string, string, string, boolean?][] = [
    [13, 'EqualityOperator', 'start <= end', 'start < end', true],
    [
      18,
      'EqualityOperator',
      'interval.start <= last.end + gap',
      'interval.start < last.end + gap',
      true,
    ],
    [18, 'ArithmeticOperator', 'last.end + gap', 'last.end - gap'],
    [8, 'BlockStatement', "{ throw new TypeError('intervals must be an array'); }", '{}'],
    [14, 'ArithmeticOperator', 'a.start - b.start', 'a.start + b.start'],
    [
      19,
      'MethodExpression',
      'Math.max(last.end, interval.end)',
      'Math.min(last.end, interval.end)',
    ],
    [29, 'ArithmeticOperator', 'end - start', 'end + start'],
    [12, 'ConditionalExpression', 'Number.isFinite(start)', 'true', true],
    [17, 'UnaryOperator', '-1', '+1', true],
    [7, 'ArrayDeclaration', '[]', '["Stryker was here"]'],
  ];
  return list.map(([line, mutator, original, replacement, boundary], index) => {
    const state =
      index >= survivors ? 'killed' : line === 29 || line === 8 ? 'no-coverage' : 'survived';
    return mutant(line, mutator, original, replacement, index === 9 ? 'timeout' : state, boundary);
  });
}

function tests(passed: number, other: readonly TestEvidence[] = []): TestEvidence[] {
  const names = [
    'merges two that overlap',
    'keeps what is apart',
    'sorts',
    'returns nothing for nothing',
  ];
  return [
    ...Array.from({ length: passed }, (_, index): TestEvidence => ({
      name: `mergeIntervals > ${names[index % names.length]}${index < names.length ? '' : ` (${index})`}`,
      state: 'passed',
    })),
    ...other,
  ];
}

function evidence(changes: Partial<TestGenerationEvidence> = {}): TestGenerationEvidence {
  return {
    rubric: 'linear',
    extraction: { source: 'fence', blocks: 1 },
    truncated: false,
    looped: false,
    parses: true,
    typeErrors: [],
    tests: tests(4),
    statements: { covered: 16, checked: 15, total: 18, reference: 18 },
    branches: { covered: 8, checked: 8, total: 10, reference: 10 },
    uncoveredLines: [],
    mutants: mutants(0),
    boundaryClasses: { seen: ['zero', 'empty-array'], expected: ['zero', 'nan', 'empty-array'] },
    ...changes,
  };
}

interface Graded {
  id: string;
  complexity: Complexity;
  parts: ScoreParts;
  evidence?: Partial<TestGenerationEvidence>;
  replayed?: boolean;
  latencyMs?: number | null;
  repeat?: number;
}

function graded(task: Graded): GradedTask {
  const { coverage, edgeCases, correctness } = task.parts;
  const latencyMs = task.latencyMs ?? null;
  return {
    state: 'graded',
    id: task.id,
    category: 'test-generation',
    complexity: task.complexity,
    cluster: task.id,
    repeat: task.repeat ?? 0,
    errorRetries: 0,
    score: (coverage + edgeCases + correctness) / 10,
    parts: [
      { name: 'coverage', points: coverage, max: 40 },
      { name: 'edge cases', points: edgeCases, max: 30 },
      { name: 'correctness', points: correctness, max: 30 },
    ],
    evidence: evidence(task.evidence),
    latencyMs,
    ttftMs: latencyMs === null ? null : Math.round(latencyMs / 12),
    outputTokens: latencyMs === null ? null : Math.round(latencyMs / 55),
    replayed: task.replayed ?? false,
  };
}

const ERRORED: ErroredTask = {
  state: 'error',
  id: 'rate-limiter',
  category: 'test-generation',
  complexity: 'complex',
  cluster: 'rate-limiter',
  repeat: 0,
  errorRetries: 1,
  error: { code: 'provider.crashed', message: 'The engine ended with SIGKILL (out of memory?)' },
};

function candidateTasks(): TaskResult[] {
  return [
    graded({
      id: 'slugify',
      complexity: 'simple',
      parts: { coverage: 38.5, edgeCases: 24, correctness: 30 },
      latencyMs: 14_210,
    }),
    graded({
      id: 'merge-intervals',
      complexity: 'simple',
      parts: { coverage: 31.25, edgeCases: 15, correctness: 23.3 },
      latencyMs: 21_480,
      evidence: {
        tests: tests(3, [
          {
            name: `mergeIntervals > merges a chain ${HOSTILE}`,
            state: 'failed',
            message: `AssertionError: expected [ { start: 1, end: 4 }, { start: 5, end: 7 } ] to deeply equal [ { start: 1, end: 7 } ]\n${HOSTILE}`,
          },
          {
            name: 'mergeIntervals > waits for the timer',
            state: 'flaky',
            message: '2 of 3 passed',
          },
          { name: 'mergeIntervals > ends', state: 'timeout' },
          { name: 'mergeIntervals > later', state: 'skipped' },
        ]),
        uncoveredLines: [8, 9, 29],
        mutants: mutants(7),
        typeErrors: ["line 12: Property 'ends' does not exist on type 'Interval'."],
      },
    }),
    graded({
      id: 'lru-cache',
      complexity: 'moderate',
      parts: { coverage: 22, edgeCases: 9.5, correctness: 12 },
      latencyMs: 64_900,
      evidence: {
        extraction: { source: 'fence', blocks: 2, salvaged: { kept: 5, total: 9 } },
        truncated: true,
        parses: false,
        tests: tests(3, [
          { name: 'evicts the oldest', state: 'failed', message: 'expected 2 to be 3' },
        ]),
        uncoveredLines: [18, 19],
        mutants: mutants(5),
      },
    }),
    graded({
      id: 'csv-parser',
      complexity: 'moderate',
      parts: { coverage: 0, edgeCases: 0, correctness: 0 },
      latencyMs: 38_020,
      evidence: {
        extraction: { source: 'bare', blocks: 0 },
        looped: true,
        parses: false,
        loadError: 'The file holds no test.',
        tests: [],
        statements: { covered: 0, checked: 0, total: 40, reference: 39 },
        branches: { covered: 0, checked: 0, total: 22, reference: 22 },
        uncoveredLines: [7, 8, 9, 11, 12],
        mutants: mutants(9),
        boundaryClasses: { seen: [], expected: ['empty-string'] },
      },
    }),
    graded({
      id: 'order-book',
      complexity: 'complex',
      parts: { coverage: 36, edgeCases: 21, correctness: 25 },
      latencyMs: 52_300,
      replayed: true,
      evidence: { mutants: mutants(3) },
    }),
    ERRORED,
  ];
}

function referenceTasks(): TaskResult[] {
  const complexities: Complexity[] = [
    'simple',
    'simple',
    'moderate',
    'moderate',
    'complex',
    'complex',
  ];
  const ids = [
    'slugify',
    'merge-intervals',
    'lru-cache',
    'csv-parser',
    'order-book',
    'rate-limiter',
  ];
  return ids.map((id, index) =>
    graded({
      id,
      complexity: complexities[index] ?? 'simple',
      parts: { coverage: 40, edgeCases: 29, correctness: 30 - index / 2 },
      replayed: true,
    }),
  );
}

const UNTIMED = { p50: null, p95: null, p99: null, measured: 0 };

/** A run of six tasks in which everything that can happen to an answer happens. */
export function sampleReport(state: SampleState = 'fail'): OneCandidateReport {
  const verdict = VERDICTS[state];
  const candidate: CandidateReport = {
    id: 'embedded:qwen2.5-coder-1.5b-instruct',
    verdict,
    categories: [
      {
        category: 'test-generation',
        threshold: 0.8,
        tasks: 6,
        compared: 5,
        candidateMean: 5.751,
        referenceMean: 9.8,
        ratio: verdict.ratio,
        lower: verdict.lower,
        upper: verdict.upper,
        clusters: 5,
        method: 'delta-t',
      },
    ],
    meanScore: 5.751,
    latencyMs: { p50: 29_750, p95: 60_868, p99: 64_093.6, measured: 4, cached: 1 },
    ttftMs: { p50: 2479, p95: 5072, p99: 5341, measured: 4, cached: 1 },
    tokensPerSecond: 18.24,
    scorePer1kOutputTokens: 8.11,
    costUsd: 0,
    errorRetries: 1,
    tasks: candidateTasks(),
  };
  const reference: SideReport = {
    id: 'gold:qe-100',
    meanScore: 9.775,
    latencyMs: { ...UNTIMED, cached: 6 },
    ttftMs: { ...UNTIMED, cached: 6 },
    tokensPerSecond: null,
    scorePer1kOutputTokens: null,
    costUsd: 0.0123,
    errorRetries: 0,
    tasks: referenceTasks(),
  };
  return {
    schema: 'aqe-llm/baseline@2',
    run: {
      id: '20260301-101500-7f3a',
      suite: 'qe-100',
      suiteHash: 'f2ca1bb6c7e907d06dafe4687e579fce76b37e4e93b7605022da52e6ccc26fd2',
      seed: 42,
      repeats: 1,
      maxTokens: 2048,
      temperature: 0.2,
      rubric: 'linear',
      shard: null,
      thresholds: { 'test-generation': 0.8 },
      startedAt: '2026-03-01T10:15:00.000Z',
      sandbox: 'bubblewrap',
      versions: { 'aqe-llm': '0.1.0', node: '20.20.0', llama: 'b6000', quantisation: 'Q4_K_M' },
    },
    reference,
    candidates: [candidate],
  };
}

export type OneCandidateReport = BaselineReport & { candidates: [CandidateReport] };

/** The same run with a second candidate, which did better, and two categories. */
export function manyReport(): BaselineReport {
  const report = sampleReport('fail');
  const [first] = report.candidates;
  const better: CandidateReport = {
    ...first,
    id: 'ollama:qwen2.5-coder:7b',
    verdict: VERDICTS.pass,
    categories: first.categories.map((each) => ({ ...each, ratio: 0.9312 })),
    meanScore: 9.126,
    costUsd: null,
    tasks: first.tasks.map((task) =>
      task.state === 'graded' ? { ...task, score: Math.min(10, task.score + 2) } : task,
    ),
  };
  return { ...report, candidates: [first, better] };
}

/** The texts of the sample's tasks, with hostile ones among them. */
export function sampleDetails(state: SampleState = 'fail'): ReportDetails {
  return detailsFor(sampleReport(state));
}

/** The texts of a report's tasks; earlier runs of its first candidate. */
export function detailsFor(report: BaselineReport): ReportDetails {
  const tasks = report.candidates[0]?.tasks ?? [];
  const past = (runId: string, day: number, suiteHash: string, state: SampleState) => ({
    runId,
    finishedAt: `2026-02-0${day}T10:00:00.000Z`,
    suiteHash,
    reference: 'replay:gold',
    verdict: VERDICTS[state],
  });
  const { suiteHash } = report.run;
  return {
    report,
    tasks: tasks.map((task) => detailsOf(task, report.candidates.length)),
    history: [
      [
        past('20260201-100000-aaaa', 1, 'another', 'pass'),
        past('20260205-100000-bbbb', 5, suiteHash, 'marginal'),
        past('20260207-100000-cccc', 7, suiteHash, 'inconclusive'),
      ],
    ],
  };
}

function detailsOf(task: TaskResult, candidates: number): TaskDetails {
  const answer = task.state === 'error' ? null : `${ANSWER}\n${HOSTILE}\n`;
  return {
    id: task.id,
    repeat: task.repeat,
    title: `Write tests for ${task.id.replaceAll('-', ' ')}`,
    exhibits: [{ name: 'merge-intervals.ts', text: MERGE_INTERVALS }],
    answers: Array.from({ length: candidates }, () => answer),
    referenceAnswer: ANSWER,
  };
}

/** A run of 100 tasks with long answers on both sides. */
export function largeDetails(): ReportDetails & { report: OneCandidateReport } {
  const report = sampleReport('pass');
  const many = (tasks: readonly TaskResult[]): TaskResult[] =>
    Array.from({ length: 100 }, (_, index) => tasks[index % 5]).flatMap((task, index) =>
      task === undefined
        ? []
        : [{ ...task, id: `task-${String(index + 1).padStart(3, '0')}-${task.id}` }],
    );
  const [candidate] = report.candidates;
  const large: OneCandidateReport = {
    ...report,
    candidates: [{ ...candidate, tasks: many(candidate.tasks) }],
    reference: { ...report.reference, tasks: many(report.reference.tasks) },
  };
  const text = ANSWER.repeat(40);
  const tasks = large.candidates[0].tasks.map((task) => ({
    ...detailsOf(task, 1),
    exhibits: [{ name: 'merge-intervals.ts', text: MERGE_INTERVALS.repeat(10) }],
    answers: [text],
    referenceAnswer: text,
  }));
  return { report: large, tasks, history: [] };
}
