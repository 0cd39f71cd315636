import type { CodeReviewEvidence } from './kinds/code-review/evidence.ts';
import type { CoverageAnalysisEvidence } from './kinds/coverage-analysis/evidence.ts';
import type { FlakyDetectionEvidence } from './kinds/flaky-detection/evidence.ts';
import type { TestGenerationEvidence } from './kinds/test-generation/evidence.ts';

/** The words of a baseline's outcome. `BaselineReport` is a public contract: docs/baseline-json.md. */

export type Complexity = 'simple' | 'moderate' | 'complex';
export type Rubric = 'linear' | 'plan';

/** What each category's grades rest on. */
export interface Evidences {
  'test-generation': TestGenerationEvidence;
  'coverage-analysis': CoverageAnalysisEvidence;
  'flaky-detection': FlakyDetectionEvidence;
  'code-review': CodeReviewEvidence;
}
export type Category = keyof Evidences;

/** What is known of an answer of any category. */
export interface AnswerEvidence {
  /** The answer was cut off by a limit, of tokens or of size. */
  truncated: boolean;
  /** Generation was stopped because the answer repeated itself. */
  looped: boolean;
}

/** One part of a score. */
export interface Part {
  /** `edge cases` */
  name: string;
  points: number;
  /** The points to be had; the maxima of an answer's parts add up to 100. */
  max: number;
}

/** A graded answer of one category. */
export interface GradeOf<C extends Category> {
  category: C;
  /** 0–10, a tenth of all points, rounded to a thousandth. */
  score: number;
  parts: Part[];
  evidence: Evidences[C];
}

/** A graded answer of any category: `category` says which evidence it has. */
export type Grade = { [C in Category]: GradeOf<C> }[Category];

interface TaskIdentity {
  id: string;
  category: Category;
  complexity: Complexity;
  /** Tasks of one cluster stand or fall together. */
  cluster: string;
  /** From 0. */
  repeat: number;
  /** How often infrastructure failed and the task was asked again. */
  errorRetries: number;
}

interface Answered extends TaskIdentity {
  state: 'graded';
  /** Null for an answer that nobody timed. */
  latencyMs: number | null;
  ttftMs: number | null;
  /** Null where the provider does not count. */
  outputTokens: number | null;
  /** The answer came from a recording: its times are in no percentile. */
  replayed: boolean;
  /** What the side said, in reports that are asked for it. */
  answer?: string;
}

export type GradedTask = Answered & Grade;

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
  /** US dollars billed for this run's answers: 0 for recordings and one's own machines, null where a price or a count is unknown. */
  costUsd: number | null;
  /** Sum over the tasks. */
  errorRetries: number;
  tasks: TaskResult[];
}

/** How a candidate did in one category. */
export interface CategoryReport {
  category: Category;
  /** The least ratio that was asked of it; null for none, and then it is advisory. */
  threshold: number | null;
  /** Tasks of the run, repeats counted. */
  tasks: number;
  /** Those of them where both sides were graded; the means are over these. */
  compared: number;
  /** Mean scores, 0–10. */
  candidateMean: number | null;
  referenceMean: number | null;
  ratio: number | null;
  /** One-sided 95 % bounds of the ratio. */
  lower: number | null;
  upper: number | null;
  /** Independent units behind the bounds, and how they were computed. */
  clusters: number;
  method: 'bootstrap' | 'delta-t' | null;
}

/** What a run of this size can tell; docs/verdict.md has the formulas. */
export interface Power {
  /** Independent units compared. */
  clusters: number;
  /** How far the lower bound lies below the ratio. */
  margin: number;
  /** The chance of PASS in a run of this size and spread, by the candidate's true ratio. */
  passChance: { trueRatio: number; chance: number }[];
  /** Independent units that PASS would take at this ratio and spread; null where no number would do. */
  clustersForPass: number | null;
  /** The same for the strict line. */
  clustersForStrict: number | null;
}

export interface Verdict {
  /** `partial` is one shard of a run, which has a verdict only when merged. */
  state: 'pass' | 'marginal' | 'fail' | 'inconclusive' | 'partial';
  /** Candidate's mean over reference's mean; null when it cannot be computed. */
  ratio: number | null;
  /** One-sided 95 % lower bound of the ratio. */
  lower: number | null;
  /** One-sided 95 % upper bound of the ratio. */
  upper: number | null;
  /** Whether the lower bound itself reaches 0.90. */
  strict: boolean;
  reasons: string[];
  /** Null where there is no interval. */
  power: Power | null;
}

export interface CandidateReport extends SideReport {
  verdict: Verdict;
  /** One for each category that the run has, in the order of the suite. */
  categories: CategoryReport[];
}

/** What was run. Shards of one run agree in all of it but `id`, `shard`, `startedAt`, `sandbox` and `versions`. */
export interface RunFacts {
  id: string;
  suite: string;
  suiteHash: string;
  seed: number;
  repeats: number;
  maxTokens: number;
  temperature: number;
  rubric: Rubric;
  shard: { index: number; of: number; taskIds: string[] } | null;
  thresholds: Partial<Record<Category, number>>;
  /** ISO 8601, UTC. */
  startedAt: string;
  /** Tier of the sandbox that ran the answers. */
  sandbox: string;
  versions: Record<string, string>;
}

export interface BaselineReport {
  schema: 'aqe-llm/baseline@2';
  run: RunFacts;
  reference: SideReport;
  /** At least one. */
  candidates: CandidateReport[];
}
