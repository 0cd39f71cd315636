export { createExecutor, type Executor } from './executor.ts';
export type { Execution, MutantOutcome } from './execution.ts';
export { SourceError } from './instrument.ts';
