export { createExecutor, type Executor } from './executor.ts';
export type { Execution, MutantOutcome } from './execution.ts';
export { SourceError } from './instrument.ts';
export { DIMENSIONS, type Dimension } from './perturbation.ts';
export {
  createRerunner,
  type Rerun,
  type Rerunner,
  type RerunJob,
  type RunSpec,
} from './rerunner.ts';
