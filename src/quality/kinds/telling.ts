import type { Category, Evidences } from '../result.ts';

/** So many of so many. */
export interface Tally {
  done: number;
  total: number;
}

/** A count that stands in a column of its own. */
export interface TallyColumn<Evidence> {
  /** `tests passed` */
  name: string;
  /** The same for a narrow column: `tests`. */
  short: string;
  of(evidence: Evidence): Tally;
}

/** A part of the score; names and maxima are those of the grades. */
export interface PartColumn {
  /** `edge cases` */
  name: string;
  /** For a narrow column: `edge`. */
  short: string;
  max: number;
}

/** One of the things that an answer consists of, and how it fared: a test, a gap, a finding. */
export interface Item {
  name: string;
  /** In a word: `passed`, `missed`. */
  state: string;
  tone: 'good' | 'bad' | 'doubtful' | 'neutral';
  message?: string;
}

/** Something to be said of a line of the task's first exhibit. */
export interface LineNote {
  /** From 1. */
  line: number;
  /** Names the notes of one kind, which are counted below the text: `line not covered`. */
  kind: string;
  /** Stands below the line; a note without it colours the line. */
  text?: string;
  /** Stands below the line, as what was changed into what. */
  change?: { from: string; to: string };
}

/**
 * How reports tell the grades of one category. Pure, and light to load. All text is shown as text,
 * whatever a model put into it, and may be as long as it comes.
 */
export interface Telling<C extends Category> {
  readonly category: C;
  readonly parts: readonly PartColumn[];
  readonly tallies: readonly TallyColumn<Evidences[C]>[];
  /** What a reader should know about how the answer came to its score, in a few words each. Looped, truncated and replayed are told for every category. */
  marks(evidence: Evidences[C]): string[];
  /** Sentences on the evidence. */
  facts(evidence: Evidences[C]): string[];
  /** The heading over the items: `Tests, run on the unchanged subject`. */
  itemsTitle: string;
  items(evidence: Evidences[C]): Item[];
  notes(evidence: Evidences[C]): LineNote[];
}
