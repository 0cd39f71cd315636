import { isDetected } from '../../mutants.ts';
import { formatPercent, plural } from '../../reports/format.ts';
import type { Item, LineNote, Telling } from '../telling.ts';
import type { CoverageEvidence, TestEvidence } from './evidence.ts';

const TONES: Record<TestEvidence['state'], Item['tone']> = {
  passed: 'good',
  failed: 'bad',
  timeout: 'bad',
  flaky: 'doubtful',
  vacuous: 'doubtful',
  skipped: 'neutral',
};
const MOST_TYPE_ERRORS = 10;

export const testGenerationTelling: Telling<'test-generation'> = {
  category: 'test-generation',
  parts: [
    { name: 'coverage', short: 'cov', max: 40 },
    { name: 'edge cases', short: 'edge', max: 30 },
    { name: 'correctness', short: 'corr', max: 30 },
  ],
  tallies: [
    {
      name: 'tests passed',
      short: 'tests',
      of: ({ tests }) => ({
        done: tests.filter(({ state }) => state === 'passed').length,
        total: tests.length,
      }),
    },
    {
      name: 'mutants killed',
      short: 'mutants',
      of: ({ mutants }) => ({ done: mutants.filter(isDetected).length, total: mutants.length }),
    },
  ],

  marks({ extraction, loadError, typeErrors }) {
    const marks: string[] = [];
    if (extraction.source === 'none') marks.push('no code');
    const { salvaged } = extraction;
    if (salvaged !== undefined) marks.push(`salvaged ${salvaged.kept}/${salvaged.total}`);
    if (extraction.mended !== undefined) marks.push('import added');
    if (loadError !== undefined) marks.push('did not load');
    if (typeErrors.length > 0) marks.push(plural(typeErrors.length, 'type error'));
    return marks;
  },

  facts({ statements, branches, mutants, boundaryClasses, extraction, loadError, typeErrors }) {
    const { seen, expected } = boundaryClasses;
    const missing = expected.filter((name) => !seen.includes(name));
    const { salvaged } = extraction;
    return [
      `Covered by passing tests: statements ${told(statements)}, branches ${told(branches)}.`,
      `Mutants killed: ${mutants.filter(isDetected).length}/${mutants.length}. Boundary values tried: ${seen.join(', ') || 'none'}${missing.length > 0 ? `; not tried: ${missing.join(', ')}` : ''}.`,
      ...(extraction.source === 'none' ? ['The answer holds no code.'] : []),
      ...(salvaged === undefined
        ? []
        : [
            `The answer did not parse as it stood: ${salvaged.kept} of ${plural(salvaged.total, 'test')} could be kept.`,
          ]),
      ...(extraction.mended === undefined
        ? []
        : ['The tests did not import the module; the import was added.']),
      ...(loadError === undefined ? [] : [`The test file did not load: ${loadError}`]),
      ...typeErrors.slice(0, MOST_TYPE_ERRORS).map((error) => `Type error: ${error}`),
      ...(typeErrors.length > MOST_TYPE_ERRORS
        ? [`…and ${typeErrors.length - MOST_TYPE_ERRORS} more type errors.`]
        : []),
    ];
  },

  itemsTitle: 'Tests of the candidate, run on the unchanged subject',
  items: ({ tests }) => tests.map((test) => ({ ...test, tone: TONES[test.state] })),

  notes: ({ uncoveredLines, mutants }) => [
    ...uncoveredLines.map((line): LineNote => ({ line, kind: 'line not covered' })),
    ...mutants
      .filter((mutant) => !isDetected(mutant))
      .map(({ line, mutator, state, boundary, original, replacement }): LineNote => ({
        line,
        kind: 'mutant survived',
        text: `${state === 'no-coverage' ? 'not reached' : 'survived'}: ${mutator}${boundary ? ' (boundary)' : ''}`,
        change: { from: original, to: replacement },
      })),
  ],
};

function told({ covered, checked, total, reference }: CoverageEvidence): string {
  const share = reference > 0 ? `, ${formatPercent(checked / reference)} of it checked` : '';
  return `${covered} of ${total}, checked ${checked} (reference ${reference}${share})`;
}
