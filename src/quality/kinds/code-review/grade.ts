import type { GradeOf } from '../../result.ts';
import { roundPoints, type Answer } from '../kind.ts';
import type { DefectEvidence, FindingEvidence } from './evidence.ts';
import { parseFindings, type Finding } from './findings.ts';
import type { Defect, Lines, Measured } from './format.ts';
import { assign, pointsAt } from './matching.ts';

/** Findings of an answer that are read. */
const MOST_FINDINGS = 8;
const MOST_SHOWN = 300;

/**
 * Grades a review after docs/grading.md: F1 of the findings, matched one to one with the seeded
 * defects by hunk and line. Pure.
 */
export function gradeCodeReview(
  { defects, measured }: { defects: readonly Defect[]; measured: Measured },
  answer: Answer,
): GradeOf<'code-review'> {
  const { json, findings } = parseFindings(answer.text);
  const read = findings.slice(0, MOST_FINDINGS);
  const hunks = measured.hunks.map(({ lines }) => lines);
  const found = match(read, defects, hunks);
  const hits = found.filter((defect) => defect !== undefined).length;
  const precision = read.length === 0 ? 0 : hits / read.length;
  const recall = hits / defects.length;
  const points = roundPoints((200 * hits) / (read.length + defects.length));
  const clean = measured.hunks.filter((hunk) => hunk.defects === 0).map(({ lines }) => lines);
  return {
    category: 'code-review',
    score: roundPoints(points / 10),
    parts: [{ name: 'findings', points, max: 100 }],
    evidence: {
      truncated: answer.truncated,
      looped: answer.looped,
      json,
      findings: findings.map((finding, index): FindingEvidence => {
        const isRepeated = defects.some((defect) =>
          pointsAt(finding, defect, hunkOf(defect.lines, hunks)),
        );
        return {
          ...finding,
          explanation: finding.explanation.slice(0, MOST_SHOWN),
          state:
            index >= MOST_FINDINGS
              ? 'unread'
              : found[index] !== undefined
                ? 'defect'
                : isRepeated
                  ? 'repeated'
                  : 'false',
          inCleanHunk: clean.some((lines) => isWithin(finding.line, lines)),
        };
      }),
      defects: defects.map(({ lines, kind, title }, index): DefectEvidence => {
        const by = found.indexOf(index);
        return { lines, kind, title, foundAt: read[by]?.line ?? null };
      }),
      precision: roundPoints(precision),
      recall: roundPoints(recall),
    },
  };
}

/**
 * For each finding the defect that it is counted for. Findings that explain themselves in the same
 * words are one finding said more than once: only one of them is counted.
 */
function match(
  findings: readonly Finding[],
  defects: readonly Defect[],
  hunks: readonly Lines[],
): (number | undefined)[] {
  const groups = new Map<string, number[]>();
  for (const [index, { explanation }] of findings.entries()) {
    const words = explanation.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
    const key = words.join(' ');
    groups.set(key, [...(groups.get(key) ?? []), index]);
  }
  const pairs = [...groups.values()].map((members) =>
    members.flatMap((member) =>
      defects.flatMap((defect, column) => {
        const finding = findings[member];
        return finding && pointsAt(finding, defect, hunkOf(defect.lines, hunks))
          ? [{ member, column }]
          : [];
      }),
    ),
  );
  const columns = assign(pairs.map((group) => group.map(({ column }) => column)));
  const found: (number | undefined)[] = findings.map(() => undefined);
  for (const [row, group] of pairs.entries()) {
    const pair = group.find(({ column }) => column === columns[row]);
    if (pair !== undefined) found[pair.member] = pair.column;
  }
  return found;
}

function hunkOf([first]: Lines, hunks: readonly Lines[]): Lines {
  return hunks.find((lines) => isWithin(first, lines)) ?? [0, 0];
}

function isWithin(line: number | undefined, [from, to]: Lines): boolean {
  return line !== undefined && line >= from && line <= to;
}
