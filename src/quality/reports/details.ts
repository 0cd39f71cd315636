import type { Exhibit } from '../kinds/kind.ts';
import type { BaselineReport } from '../result.ts';

/** What the page shows of a task besides its result. All of it is shown as text, none of it is trusted. */
export interface TaskDetails {
  id: string;
  /** From 0; details belong to the result of the same task and repeat. */
  repeat: number;
  title: string;
  /** What the task is about; notes of the grade belong to the first. */
  exhibits: Exhibit[];
  /** The answers as they came, prose and all; null when there was none (an infrastructure error). */
  candidateAnswer: string | null;
  referenceAnswer: string | null;
}

/** A result together with the texts it speaks of. */
export interface ReportDetails {
  report: BaselineReport;
  tasks: readonly TaskDetails[];
}
