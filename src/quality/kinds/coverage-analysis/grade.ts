import type { Executor } from '../../execution/index.ts';
import type { GradeOf } from '../../result.ts';
import { roundPoints, type Answer } from '../kind.ts';
import { parseGaps, type Gaps } from './answer.ts';
import type { CoverageAnalysisEvidence, NamedEvidence, ProposalEvidence } from './evidence.ts';
import type { Measured } from './format.ts';
import { traceProposal } from './measure.ts';
import type { CoverageAnalysisTask } from './kind.ts';

const POINTS = { lines: 40, branches: 30, json: 10, reached: 20 };

/** A quarter of what is named may be wrong before it costs anything. */
const FREE_PRECISION = 0.75;
/** An answer that names more of all branches than this has not chosen. */
const MOST_NAMED = 0.5;

/** Grades a list of gaps after docs/grading.md; the proposed test is executed. */
export async function gradeCoverageAnalysis(
  task: CoverageAnalysisTask & { measured: Measured },
  answer: Answer,
  executor: Executor,
  signal?: AbortSignal,
): Promise<GradeOf<'coverage-analysis'>> {
  const gaps = parseGaps(answer.text);
  const evidence: CoverageAnalysisEvidence = {
    truncated: answer.truncated,
    looped: answer.looped,
    json: gaps.json,
    isWellFormed: gaps.isWellFormed,
    lines: linesNamed(gaps, task.measured),
    branches: branchesNamed(gaps, task.measured),
    proposal: await tryProposal(task, gaps.proposal, executor, signal),
  };
  const parts = pointsOf(evidence);
  return {
    category: 'coverage-analysis',
    score: roundPoints((parts.lines + parts.branches + parts.proof) / 10),
    parts: [
      { name: 'lines', points: parts.lines, max: POINTS.lines },
      { name: 'branches', points: parts.branches, max: POINTS.branches },
      { name: 'proof', points: parts.proof, max: POINTS.json + POINTS.reached },
    ],
    evidence,
  };
}

/** The points that evidence earns; pure. */
export function pointsOf({
  lines,
  branches,
  isWellFormed,
  proposal,
}: Pick<CoverageAnalysisEvidence, 'lines' | 'branches' | 'isWellFormed' | 'proposal'>): {
  lines: number;
  branches: number;
  proof: number;
} {
  const f1 = share(2 * lines.found.length, countOf(lines) + lines.found.length);
  const recall = share(branches.found.length, branches.found.length + branches.missed.length);
  const precision = share(branches.found.length, branches.found.length + branches.wrong.length);
  const guarded = branches.isTooMany ? 0 : recall * Math.min(1, precision / FREE_PRECISION);
  return {
    lines: roundPoints(POINTS.lines * f1),
    branches: roundPoints(POINTS.branches * guarded),
    proof: (isWellFormed ? POINTS.json : 0) + (proposal.state === 'reached' ? POINTS.reached : 0),
  };
}

function countOf<T>({ found, missed, wrong }: NamedEvidence<T>): number {
  return found.length + missed.length + wrong.length;
}

/** Lines in which no statement begins are not looked at, so that ranges may go over them. */
function linesNamed(gaps: Gaps, { lines }: Measured): NamedEvidence<number> {
  const isNamed = (line: number): boolean =>
    gaps.lines.some(([from, to]) => line >= from && line <= to);
  return {
    found: lines.uncovered.filter(isNamed),
    missed: lines.uncovered.filter((line) => !isNamed(line)),
    wrong: lines.covered.filter(isNamed),
  };
}

function branchesNamed(gaps: Gaps, { branches }: Measured): CoverageAnalysisEvidence['branches'] {
  const named = gaps.branches.filter((name) => !branches.unreachable.includes(name));
  const all = branches.covered.length + branches.uncovered.length;
  return {
    found: branches.uncovered.filter((name) => named.includes(name)),
    missed: branches.uncovered.filter((name) => !named.includes(name)),
    wrong: named.filter((name) => !branches.uncovered.includes(name)),
    isTooMany: named.length > MOST_NAMED * all,
  };
}

async function tryProposal(
  task: CoverageAnalysisTask & { measured: Measured },
  proposal: Gaps['proposal'],
  executor: Executor,
  signal?: AbortSignal,
): Promise<ProposalEvidence> {
  if (proposal === undefined) return { state: 'none' };
  const { branch, code } = proposal;
  if (!task.measured.branches.uncovered.includes(branch)) return { state: 'no-gap', branch };
  const outcome = await traceProposal(task, code, executor, signal);
  if (outcome.state === 'not-loaded') return { ...outcome, branch };
  return { state: outcome.reached.has(branch) ? 'reached' : 'missed', branch };
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
