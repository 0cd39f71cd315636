/** The library behind the command line: build a runtime, run a suite and read its report, or route requests. */
export { AppError, ExitCode, type Problem } from './core/errors.ts';
export type { Completion, CompletionRequest, Message, Timing, Usage } from './core/request.ts';
export {
  createPatternClient,
  type FoundPattern,
  type PatternClient,
  type PatternMetrics,
  type PatternQuery,
  type PatternToStore,
} from './patterns/client.ts';
export type { Provider, ProviderMetadata, StreamEvent } from './providers/provider.ts';
export { runBaseline } from './quality/baseline.ts';
export type { BaselineEvent, BaselineRun } from './quality/run/events.ts';
export * from './quality/reports/index.ts';
export type { BaselineReport, SideReport, TaskResult, Verdict } from './quality/result.ts';
export { loadSuite, type Suite, type Task } from './quality/suites/suite.ts';
export { exitCodeOf } from './quality/verdict.ts';
export type { Decision, RouteRequest, Tier } from './routing/decision.ts';
export type { RouteAnswer, RouteEvent, Router } from './routing/router.ts';
export type { RouterEvent } from './routing/walk.ts';
export { createRuntime, type Runtime } from './runtime.ts';
