import type { Part } from '../../result.ts';
import { roundPoints } from '../kind.ts';
import type { Cause } from './causes.ts';
import type { FixEvidence, FlakyDetectionEvidence, TestVerdict } from './evidence.ts';

const POINTS = { detection: 40, cause: 20, fix: 40 };

/** Yes or no, as it is and as it was said. */
interface Judged {
  is: boolean;
  said: boolean;
}

/**
 * Matthews' correlation coefficient, −1 to 1: how far yes and no agree, whichever is the rarer. 0 when one of them is
 * never said, or never so.
 */
export function mcc(judged: readonly Judged[]): number {
  const count = (is: boolean, said: boolean): number =>
    judged.filter((each) => each.is === is && each.said === said).length;
  const [tp, fp, fn, tn] = [
    count(true, true),
    count(false, true),
    count(true, false),
    count(false, false),
  ];
  const product = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn);
  return product === 0 ? 0 : (tp * tn - fp * fn) / Math.sqrt(product);
}

/** Mean of the classes' F1 over the classes that are there or were said; `undefined` is no class. */
export function macroF1(
  labels: readonly { is: Cause | undefined; said: Cause | undefined }[],
): number {
  const classes = new Set(labels.flatMap(({ is, said }) => [is, said]));
  classes.delete(undefined);
  let sum = 0;
  for (const name of classes) {
    const right = labels.filter(({ is, said }) => is === name && said === name).length;
    const wrong = labels.filter(({ is, said }) => (is === name) !== (said === name)).length;
    sum += (2 * right) / (2 * right + wrong);
  }
  return classes.size === 0 ? 0 : sum / classes.size;
}

/** The points that evidence earns: docs/grading.md. Pure, so that the same evidence always earns the same. */
export function scoreParts(evidence: Pick<FlakyDetectionEvidence, 'tests' | 'fix'>): Part[] {
  const isFlakySpec = evidence.tests.some(({ flaky }) => flaky);
  const { detection, cause, fix } = isFlakySpec
    ? flakyShares(evidence.tests, evidence.fix)
    : stableShares(evidence.tests, evidence.fix);
  return [
    { name: 'detection', points: roundPoints(POINTS.detection * detection), max: POINTS.detection },
    { name: 'cause', points: roundPoints(POINTS.cause * cause), max: POINTS.cause },
    { name: 'fix', points: roundPoints(POINTS.fix * fix), max: POINTS.fix },
  ];
}

interface Shares {
  detection: number;
  cause: number;
  fix: number;
}

function flakyShares(tests: readonly TestVerdict[], fix: FixEvidence): Shares {
  // What was not said is wrong.
  const judged = tests.map(({ flaky, saidFlaky }) => ({ is: flaky, said: saidFlaky ?? !flaky }));
  const suspects = tests.filter(({ flaky, saidFlaky }) => flaky || saidFlaky === true);
  const labels = suspects.map(({ flaky, saidFlaky, cause, saidCause }) => ({
    is: flaky ? (cause ?? undefined) : undefined,
    said: saidFlaky === true ? (saidCause ?? undefined) : undefined,
  }));
  return {
    detection: Math.max(0, mcc(judged)),
    cause: macroF1(labels),
    fix: fix.state === 'ran' ? mendedShare(fix) : 0,
  };
}

/** The mean over the flaky tests of what mending each is worth, times the power that the sound tests have kept. */
function mendedShare({ mended, others }: Extract<FixEvidence, { state: 'ran' }>): number {
  if (mended.length === 0) return 0;
  const worth = mended.map(({ survived, guards }) =>
    survived && guards.total > 0 ? guards.killed / guards.total : 0,
  );
  const mean = worth.reduce((sum, each) => sum + each, 0) / worth.length;
  return mean * (others.total === 0 ? 1 : others.killed / others.total);
}

function stableShares(tests: readonly TestVerdict[], fix: FixEvidence): Shares {
  const calm = tests.filter(({ saidFlaky }) => saidFlaky === false).length / tests.length;
  const answered = tests.some(({ saidFlaky }) => saidFlaky !== null);
  // A cause that makes a test flaky says nothing of what keeps it from being so.
  const labels = tests.map(({ cause, saidFlaky, saidCause }) => ({
    is: cause ?? undefined,
    said: saidFlaky === false ? (saidCause ?? undefined) : undefined,
  }));
  const judged = labels.map(({ is, said }) => ({ is: is !== undefined, said: said !== undefined }));
  const cause = answered ? macroF1(labels) : 0;
  return {
    detection: calm * Math.max(0, mcc(judged)),
    cause,
    fix: fix.state === 'none' ? calm * (0.5 + 0.5 * cause) : 0,
  };
}
