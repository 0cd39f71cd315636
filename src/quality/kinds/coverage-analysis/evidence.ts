import type { AnswerEvidence } from '../../result.ts';

/** Things that were to be named, and those that were. */
export interface NamedEvidence<T> {
  found: T[];
  missed: T[];
  /** Named, but not among what was to be named. */
  wrong: T[];
}

export interface ProposalEvidence {
  /** What the executed proposal did; `no-gap`: the branch it names is none, so it was not executed. */
  state: 'reached' | 'missed' | 'not-loaded' | 'no-gap' | 'none';
  branch?: string;
  message?: string;
}

export interface CoverageAnalysisEvidence extends AnswerEvidence {
  /** Whether the answer's JSON could be read: as it stood, in part, or not at all. */
  json: 'valid' | 'salvaged' | 'none';
  /** It is valid and has everything that was asked for. */
  isWellFormed: boolean;
  /** Lines in which a statement begins; of those that are run in part nothing is said. */
  lines: NamedEvidence<number>;
  branches: NamedEvidence<string> & {
    /** It names more than half of all branches, which earns nothing. */
    isTooMany: boolean;
  };
  proposal: ProposalEvidence;
}
