import type { AnswerEvidence } from '../../result.ts';
import type { Cause } from './causes.ts';

/** One test of the spec, as it is and as the answer has it. */
export interface TestVerdict {
  title: string;
  flaky: boolean;
  /** Why it is flaky or, in a stable spec, would be without its guard; null where there is no reason. */
  cause: Cause | null;
  /** Failures in the measured reruns. */
  failures: number;
  /** Null where the answer says nothing. */
  saidFlaky: boolean | null;
  /** Null for none, and for a word that is no cause. */
  saidCause: Cause | null;
}

/** So many of so many. */
interface Kills {
  killed: number;
  total: number;
}

export type FixEvidence =
  | { state: 'none' }
  /** A stable spec was to be changed. */
  | { state: 'needless' }
  /** The mended spec cannot be run. */
  | { state: 'broken'; message: string }
  | {
      state: 'ran';
      /** How often the mended spec was run; less than all when nothing was left to be earned. */
      reruns: number;
      /** The flaky tests: whether each survived all reruns, and the mutants it must kill. */
      mended: { title: string; survived: boolean; guards: Kills }[];
      /** Tests that failed, how often, and what one of them said. */
      failures: { title: string; times: number; message: string }[];
      /** Mutants that the sound tests have to kill still. */
      others: Kills;
    };

export interface FlakyDetectionEvidence extends AnswerEvidence {
  tests: TestVerdict[];
  fix: FixEvidence;
}
