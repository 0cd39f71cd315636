import type { AnswerEvidence } from '../../result.ts';

export interface FindingEvidence {
  /** Absent where the answer names none. */
  line?: number;
  title: string;
  /** The beginning of what the answer says; empty where it says nothing that counts. */
  explanation: string;
  /**
   * `defect`: it is counted for one. `repeated`: it points at one that another is counted for.
   * `unread`: it stands behind the last finding that is read. `false`: anything else.
   */
  state: 'defect' | 'repeated' | 'false' | 'unread';
  /** Its hunk has no defect at all. */
  inCleanHunk: boolean;
}

export interface DefectEvidence {
  /** First and last line. */
  lines: [number, number];
  kind: string;
  title: string;
  /** Line of the finding that is counted for it. */
  foundAt: number | null;
}

export interface CodeReviewEvidence extends AnswerEvidence {
  /** Whether the answer's JSON could be read: as it stood, in part, or not at all. */
  json: 'valid' | 'salvaged' | 'none';
  findings: FindingEvidence[];
  defects: DefectEvidence[];
  /** Shares of what is read and of what there is, 0–1. */
  precision: number;
  recall: number;
}
