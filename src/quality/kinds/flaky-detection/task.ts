import { createHash } from 'node:crypto';
import type { RerunJob, RunSpec } from '../../execution/index.ts';
import type { TaskCommon } from '../kind.ts';
import type { Measured, TaskFile } from './format.ts';

/** A spec whose tests are to be told flaky or sound. */
export interface FlakyDetectionTask extends TaskFile, TaskCommon {
  category: 'flaky-detection';
  subjectSource: string;
  specSource: string;
  /**
   * A flaky spec comes with itself mended; a stable one with itself without what keeps it stable, which proves that
   * it would be flaky then.
   */
  counterpart: { kind: 'fixed' | 'unguarded'; source: string };
  /** A module that stands for the machine and the network around the tests; `undefined` where there is none. */
  labSource: string | undefined;
  /** What a model is told of the lab. */
  labTypes: string | undefined;
  measured: Measured | undefined;
}

const TEST_TIMEOUT_MS = 5000;

/** A job that runs a version of the spec on the task's module. */
export function jobOf(
  { subject, subjectSource, spec, labSource }: FlakyDetectionTask,
  specSource: string,
  runs: readonly RunSpec[],
): RerunJob {
  return {
    subject: { fileName: subject, source: subjectSource },
    test: { fileName: spec, source: specSource },
    modules: labSource === undefined ? {} : { './lab': labSource },
    runs,
    testTimeoutMs: TEST_TIMEOUT_MS,
    requireAssertions: true,
  };
}

/** Hash of everything that reruns depend on. */
export function fingerprint(task: FlakyDetectionTask): string {
  const { subjectSource, specSource, counterpart, labSource = null, causes, regression } = task;
  const parts = [subjectSource, specSource, counterpart, labSource, causes, regression];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
