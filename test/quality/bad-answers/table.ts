import * as makers from './makers.ts';
import type { Ground } from './makers.ts';

/** A kind of answer, and what it may earn. */
export interface BadAnswer {
  name: string;
  /** The answer's test file; `null` where the task does not lend itself to it. */
  make(ground: Ground): string | null;
  /** Bounds of the score, both included. */
  least: number;
  most: number;
  /** What a poor one earns depends on how much there is to check: its bounds hold for modules of some size. */
  worth: 'nothing' | 'little' | 'all';
}

/** Syntax and types, and nothing else. */
const NOTHING = { least: 0, most: 1, worth: 'nothing' } as const;

function each(name: string, variants: (ground: Ground) => Record<string, string>): BadAnswer[] {
  const sample: Ground = { reference: '', module: '', subject: '' };
  return Object.keys(variants(sample)).map((variant) => ({
    name: `${name}: ${variant}`,
    make: (ground) => variants(ground)[variant] ?? null,
    ...NOTHING,
  }));
}

/**
 * Answers that look like tests and are none, or are poor ones, made from a task's reference tests.
 * What they may earn follows from docs/grading.md; a perfect answer earns 10.
 */
export const BAD_ANSWERS: readonly BadAnswer[] = [
  { name: 'no assertion', make: makers.assertionFree, ...NOTHING },
  { name: 'expect(true)', make: makers.expectTrue, ...NOTHING },
  { name: 'a copy of the module is tested', make: makers.copiedModule, ...NOTHING },
  { name: 'the module is mocked', make: makers.mockedModule, ...NOTHING },
  { name: 'snapshots only', make: makers.snapshotOnly, ...NOTHING },
  { name: 'literals stuffed', make: makers.literalsStuffed, ...NOTHING },
  { name: 'throws late', make: makers.throwsLate, ...NOTHING },
  { name: 'matchers bent to pass', make: makers.matchersBent, ...NOTHING },
  ...each('forges', makers.forgeries),
  ...each('remembers the first run', makers.rememberingTests),
  ...each('counts the runs', makers.countingTests),
  // They check something, and are paid for that much. Where a mistake mostly throws, that is a lot.
  {
    name: 'expects no more than a value',
    make: makers.expectDefined,
    least: 4,
    most: 8.6,
    worth: 'little',
  },
  {
    name: 'expects no more than no error',
    make: makers.expectNoThrow,
    least: 1,
    most: 9.1,
    worth: 'little',
  },
  { name: 'one honest expectation', make: makers.oneHonest, least: 1, most: 7.5, worth: 'little' },
  {
    name: 'one honest expectation, all in one test',
    make: makers.oneHonestInOne,
    least: 1,
    most: 8.6,
    worth: 'little',
  },
  // Running cannot tell it from an honest answer: it does notice changes.
  {
    name: 'a copy of the module as its oracle',
    make: makers.copyAsOracle,
    least: 1,
    most: 10,
    worth: 'little',
  },
  // Controls: honest tests, well and badly arranged.
  { name: 'the reference', make: ({ reference }) => reference, least: 9.5, most: 10, worth: 'all' },
  {
    name: 'the reference, all in one test',
    make: makers.goldInOne,
    least: 9,
    most: 10,
    worth: 'all',
  },
];
