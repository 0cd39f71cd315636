/** The words of a baseline's outcome. `BaselineReport` is a public contract: docs/baseline-json.md. */

export type Complexity = 'simple' | 'moderate' | 'complex';
export type Category = 'test-generation';
export type Rubric = 'linear' | 'plan';

/** Points of a graded answer; they add up to at most 100, a tenth of which is its score. */
export interface ScoreParts {
  /** 0–40 */
  coverage: number;
  /** 0–30 */
  edgeCases: number;
  /** 0–30 */
  correctness: number;
}

export interface TestEvidence {
  name: string;
  /** `passed` only if it passed in every rerun; `flaky` if in some. */
  state: 'passed' | 'failed' | 'flaky' | 'timeout' | 'skipped';
  message?: string;
}

export interface MutantEvidence {
  id: string;
  mutator: string;
  line: number;
  original: string;
  replacement: string;
  boundary: boolean;
  state: 'killed' | 'survived' | 'no-coverage' | 'timeout';
}

export interface CoverageEvidence {
  covered: number;
  total: number;
  /** What the reference tests cover of `total`. */
  reference: number;
}

/** Boundary values looked for among the arguments that tests pass to the subject. */
export type BoundaryClass =
  | 'zero'
  | 'minus-one'
  | 'nan'
  | 'null'
  | 'empty-string'
  | 'empty-array'
  | 'max';

export interface Evidence {
  rubric: Rubric;
  extraction: {
    /** Where the code was found in the answer. */
    source: 'fence' | 'bare' | 'none';
    /** Code blocks in the answer. */
    blocks: number;
    /** Present when the answer did not parse and only whole tests were kept. */
    salvaged?: { kept: number; total: number };
  };
  /** The answer was cut off by a limit, of tokens or of size. */
  truncated: boolean;
  /** Generation was stopped because the answer repeated itself. */
  looped: boolean;
  parses: boolean;
  typeErrors: string[];
  /** Why the test file could not be loaded at all. */
  loadError?: string;
  tests: TestEvidence[];
  statements: CoverageEvidence;
  branches: CoverageEvidence;
  uncoveredLines: number[];
  mutants: MutantEvidence[];
  boundaryClasses: { seen: BoundaryClass[]; expected: BoundaryClass[] };
}

interface TaskIdentity {
  id: string;
  category: Category;
  complexity: Complexity;
  /** From 0. */
  repeat: number;
}

export interface GradedTask extends TaskIdentity {
  state: 'graded';
  /** 0–10 */
  score: number;
  parts: ScoreParts;
  evidence: Evidence;
  /** Null for an answer that nobody timed. */
  latencyMs: number | null;
  ttftMs: number | null;
  outputTokens: number | null;
  /** The answer came from a recording: its times are in no percentile. */
  replayed: boolean;
}

/** An infrastructure failure: no score, counted against the run and not against the model. */
export interface ErroredTask extends TaskIdentity {
  state: 'error';
  error: { code: string; message: string };
}

export type TaskResult = GradedTask | ErroredTask;

export interface LatencySummary {
  p50: number | null;
  p95: number | null;
  p99: number | null;
  /** Answers timed in this run: the only ones the percentiles come from. */
  measured: number;
  /** Replayed answers. */
  cached: number;
}

export interface SideReport {
  /** Provider and model, `embedded:qwen2.5-coder-1.5b-instruct`. */
  id: string;
  /** Mean of the graded tasks, 0–10; null when none was graded. */
  meanScore: number | null;
  latencyMs: LatencySummary;
  ttftMs: LatencySummary;
  /** Output tokens per second of generation over the measured answers. */
  tokensPerSecond: number | null;
  scorePer1kOutputTokens: number | null;
  tasks: TaskResult[];
}

export interface Verdict {
  state: 'pass' | 'marginal' | 'fail' | 'inconclusive';
  /** Candidate's mean over reference's mean; null when it cannot be computed. */
  ratio: number | null;
  /** One-sided 95 % lower bound of the ratio. */
  lower: number | null;
  /** One-sided 95 % upper bound of the ratio. */
  upper: number | null;
  /** Whether the lower bound itself reaches 0.90. */
  strict: boolean;
  reasons: string[];
}

export interface BaselineReport {
  schema: 'aqe-llm/baseline@1';
  run: {
    id: string;
    suite: string;
    suiteHash: string;
    seed: number;
    /** ISO 8601, UTC. */
    startedAt: string;
    /** Tier of the sandbox that ran the answers. */
    sandbox: string;
    versions: Record<string, string>;
  };
  verdict: Verdict;
  candidate: SideReport;
  reference: SideReport;
}
