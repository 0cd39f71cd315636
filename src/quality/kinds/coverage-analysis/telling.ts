import { plural } from '../../reports/format.ts';
import type { Item, LineNote, Telling } from '../telling.ts';
import type { NamedEvidence, ProposalEvidence } from './evidence.ts';

const PROPOSAL: Record<ProposalEvidence['state'], string> = {
  reached: 'The proposed test takes the branch that it names.',
  missed: 'The proposed test does not take the branch that it names.',
  'not-loaded': 'The proposed test does not run.',
  'no-gap': 'The proposed test names no branch that is a gap.',
  none: 'There is no proposed test.',
};

export const coverageAnalysisTelling: Telling<'coverage-analysis'> = {
  category: 'coverage-analysis',
  parts: [
    { name: 'lines', short: 'lines', max: 40 },
    { name: 'branches', short: 'br', max: 30 },
    { name: 'proof', short: 'proof', max: 30 },
  ],
  tallies: [
    { name: 'lines found', short: 'lines', of: ({ lines }) => tally(lines) },
    { name: 'branches found', short: 'branches', of: ({ branches }) => tally(branches) },
  ],

  marks({ json, isWellFormed, branches, proposal }) {
    const marks: string[] = [];
    if (json === 'none') marks.push('no JSON');
    else if (json === 'salvaged') marks.push('JSON salvaged');
    else if (!isWellFormed) marks.push('not the form asked for');
    if (branches.isTooMany) marks.push('too many branches');
    if (proposal.state !== 'reached') marks.push('branch not reached');
    return marks;
  },

  facts: ({ json, lines, branches, proposal }) => [
    `Lines not covered: ${found(lines)}. Branches not taken: ${found(branches)}.`,
    PROPOSAL[proposal.state] + (proposal.branch === undefined ? '' : ` (${proposal.branch})`),
    ...(proposal.message === undefined ? [] : [`It says: ${proposal.message}`]),
    ...(branches.isTooMany
      ? ['More than half of all branches are named, which earns nothing.']
      : []),
    ...(json === 'none' ? ['The answer holds no JSON with gaps.'] : []),
    ...(json === 'salvaged'
      ? ['The answer was not valid JSON; what is whole of it was read.']
      : []),
  ],

  itemsTitle: 'Branches that the candidate named or missed',
  items: ({ branches }) => [
    ...branches.found.map((name): Item => ({ name, state: 'found', tone: 'good' })),
    ...branches.missed.map((name): Item => ({ name, state: 'missed', tone: 'bad' })),
    ...branches.wrong.map((name): Item => ({ name, state: 'no gap', tone: 'doubtful' })),
  ],

  notes: ({ lines }) => [
    ...lines.found.map((line): LineNote => ({ line, kind: 'gap found' })),
    ...lines.missed.map((line): LineNote => ({
      line,
      kind: 'gap missed',
      text: 'missed: not covered',
    })),
    ...lines.wrong.map((line): LineNote => ({ line, kind: 'no gap', text: 'named, but covered' })),
  ],
};

function tally<T>({ found: done, missed }: NamedEvidence<T>): { done: number; total: number } {
  return { done: done.length, total: done.length + missed.length };
}

function found<T>(named: NamedEvidence<T>): string {
  const { done, total } = tally(named);
  const { wrong } = named;
  return `${done} of ${total} found${wrong.length > 0 ? `, ${plural(wrong.length, 'other')} named` : ''}`;
}
