import type { Exhibit } from '../kinds/kind.ts';
import type { BaselineReport, Verdict } from '../result.ts';

/** What the page shows of a task besides its results. All of it is shown as text, none of it is trusted. */
export interface TaskDetails {
  id: string;
  /** From 0; details belong to the results of the same task and repeat. */
  repeat: number;
  title: string;
  /** What the task is about; notes of the grade belong to the first. */
  exhibits: Exhibit[];
  /**
   * The answers as they came, prose and all, in the order of the candidates; null where there is none
   * (an infrastructure error, or a run whose answers are elsewhere).
   */
  answers: (string | null)[];
  referenceAnswer: string | null;
}

/** What an earlier run of the same suite said of a candidate. */
export interface PastRun {
  runId: string;
  /** ISO 8601, UTC. */
  finishedAt: string;
  suiteHash: string;
  reference: string;
  verdict: Verdict;
}

/** Results together with the texts they speak of. */
export interface ReportDetails {
  report: BaselineReport;
  tasks: readonly TaskDetails[];
  /** Earlier runs of each candidate, the oldest first. */
  history: readonly (readonly PastRun[])[];
}
