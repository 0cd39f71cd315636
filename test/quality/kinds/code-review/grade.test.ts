import { describe, expect, it } from 'vitest';
import { gradeCodeReview } from '../../../../src/quality/kinds/code-review/grade.ts';

const defect = (from: number, to = from) => ({
  lines: [from, to] as [number, number],
  kind: 'kind',
  title: `defect at ${from}`,
  description: 'description',
  proof: 'proof',
});
/** Two defects in the first hunk, one in the second, none in the third. */
const TASK = {
  defects: [defect(10), defect(13), defect(40, 42)],
  measured: {
    schema: 'aqe-llm/measured@1' as const,
    subject: '',
    hunks: [
      { lines: [5, 20] as [number, number], defects: 2 },
      { lines: [35, 50] as [number, number], defects: 1 },
      { lines: [60, 70] as [number, number], defects: 0 },
    ],
    failing: [],
  },
};

const WORDS = ['red', 'green', 'blue', 'black', 'white', 'brown', 'pink', 'grey', 'gold', 'lime'];

/** An answer with a finding on each line, each explained in words of its own. */
function grade(...lines: number[]) {
  const findings = lines.map((line, index) => ({
    line,
    title: 'title',
    explanation: `This is ${WORDS[index]} and should be something else.`,
  }));
  return gradeText(JSON.stringify(findings));
}

function gradeText(text: string) {
  return gradeCodeReview(TASK, { text, truncated: false, looped: false });
}

const states = ({ evidence }: ReturnType<typeof grade>) =>
  evidence.findings.map(({ state }) => state);

describe('a review', () => {
  it('earns all for all defects and nothing else', () => {
    const { score, parts, evidence } = grade(10, 13, 41);
    expect(score).toBe(10);
    expect(parts).toEqual([{ name: 'findings', points: 100, max: 100 }]);
    expect(evidence).toMatchObject({ precision: 1, recall: 1, json: 'valid' });
    expect(evidence.defects.map(({ foundAt }) => foundAt)).toEqual([10, 13, 41]);
  });

  it('earns the harmonic mean of precision and recall', () => {
    // One of three defects, one of two findings: 2 × 1 / (2 + 3).
    expect(grade(10, 65).score).toBe(4);
    expect(grade(10, 65).evidence).toMatchObject({ precision: 0.5, recall: 0.333 });
  });

  it('earns nothing for no or only false findings', () => {
    for (const answer of ['', '[]', 'The change is fine.', '{"ok": true}']) {
      expect(gradeText(answer).score).toBe(0);
    }
    expect(grade(65, 30, 5).score).toBe(0);
  });

  it('tells noise in clean hunks', () => {
    const { evidence } = grade(65, 30, 5);
    expect(evidence.findings.map(({ inCleanHunk }) => inCleanHunk)).toEqual([true, false, false]);
  });

  it('counts one finding for each defect, as many as can be', () => {
    // Line 11 could mean either; the other finding can only mean the first.
    expect(states(grade(11, 9))).toEqual(['defect', 'defect']);
    expect(states(grade(40, 41, 42))).toEqual(['defect', 'repeated', 'repeated']);
    expect(grade(40, 41, 42).score).toBe(3.333);
  });

  it('reads eight findings', () => {
    const graded = grade(60, 61, 62, 63, 64, 65, 66, 67, 10, 13);
    expect(graded.score).toBe(0);
    expect(states(graded).slice(-2)).toEqual(['unread', 'unread']);
  });

  it('counts findings in the same words once', () => {
    const same = [10, 13, 41].map((line) => ({ line, explanation: 'There is a bug here!' }));
    const graded = gradeText(JSON.stringify(same));
    expect(states(graded)).toEqual(['defect', 'repeated', 'repeated']);
    expect(graded.score).toBe(3.333);
  });

  it('counts no finding without a word of explanation', () => {
    const bare = [10, 13, 41].map((line) => ({ line, title: 'off by one' }));
    expect(gradeText(JSON.stringify(bare)).score).toBe(0);
    expect(gradeText('[10, 13, 41]').score).toBe(0);
  });

  it('keeps the whole findings of an answer that is cut off', () => {
    const text = JSON.stringify([
      { line: 10, explanation: 'This is red and should not be.' },
      { line: 13, explanation: 'This is blue and should not be.' },
    ]);
    const { score, evidence } = gradeText(text.slice(0, -30));
    expect(evidence.json).toBe('salvaged');
    expect(evidence.findings).toHaveLength(1);
    expect(score).toBe(5);
  });
});
