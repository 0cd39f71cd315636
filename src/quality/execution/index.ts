export { createExecutor, type Executor } from './executor.ts';
export type {
  CoverageCounts,
  Execution,
  ExecutionJob,
  Mutant,
  MutantOutcome,
} from './execution.ts';
export type { FuzzJob } from './fuzz.ts';
export { SourceError } from './instrument.ts';
