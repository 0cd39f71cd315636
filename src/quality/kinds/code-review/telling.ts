import { plural } from '../../reports/format.ts';
import type { Item, LineNote, Telling } from '../telling.ts';
import type { CodeReviewEvidence, FindingEvidence } from './evidence.ts';

const STATES: Record<FindingEvidence['state'], { state: string; tone: Item['tone'] }> = {
  defect: { state: 'found', tone: 'good' },
  repeated: { state: 'repeated', tone: 'doubtful' },
  false: { state: 'false', tone: 'bad' },
  unread: { state: 'not read', tone: 'neutral' },
};

export const codeReviewTelling: Telling<'code-review'> = {
  category: 'code-review',
  parts: [{ name: 'findings', short: 'f1', max: 100 }],
  tallies: [
    {
      name: 'defects found',
      short: 'defects',
      of: ({ defects }) => ({
        done: defects.filter(({ foundAt }) => foundAt !== null).length,
        total: defects.length,
      }),
    },
    {
      name: 'findings right',
      short: 'right',
      of: ({ findings }) => {
        const read = findings.filter(({ state }) => state !== 'unread');
        return {
          done: read.filter(({ state }) => state === 'defect').length,
          total: read.length,
        };
      },
    },
  ],

  marks({ json, findings }) {
    const marks: string[] = [];
    if (json === 'none') marks.push('no JSON');
    if (json === 'salvaged') marks.push('JSON salvaged');
    const unread = countOf(findings, 'unread');
    if (unread > 0) marks.push(`${unread} not read`);
    return marks;
  },

  facts({ json, findings, precision, recall }) {
    const wrong = countOf(findings, 'false');
    const noise = findings.filter(({ state, inCleanHunk }) => state === 'false' && inCleanHunk);
    return [
      `Of the findings ${percent(precision)} are defects; of the defects ${percent(recall)} were found.`,
      ...(wrong > 0
        ? [
            `${plural(wrong, 'finding')} ${wrong === 1 ? 'is' : 'are'} false, ${noise.length} of them in hunks without a defect.`,
          ]
        : []),
      ...(json === 'none' ? ['The answer holds no list of findings.'] : []),
      ...(json === 'salvaged'
        ? ['The list was not valid JSON; what is whole of it was read.']
        : []),
    ];
  },

  itemsTitle: 'Findings of the candidate',
  items: ({ findings }) =>
    findings.map(({ line, title, explanation, state }) => ({
      name: `${line === undefined ? 'no line' : `line ${line}`}: ${title || 'no title'}`,
      ...STATES[state],
      ...(explanation === '' ? {} : { message: explanation }),
    })),

  notes: ({ defects, findings }) => [
    ...defects.map(({ lines, kind, title, foundAt }): LineNote => ({
      line: lines[1],
      kind: foundAt === null ? 'defect missed' : 'defect found',
      text: `${foundAt === null ? 'missed' : 'found'}: ${title} (${kind})`,
    })),
    ...findings.flatMap(({ line, title, state }): LineNote[] =>
      state === 'false' && line !== undefined
        ? [{ line, kind: 'false finding', text: `false: ${title}` }]
        : [],
    ),
  ],
};

function countOf(
  findings: CodeReviewEvidence['findings'],
  wanted: FindingEvidence['state'],
): number {
  return findings.filter(({ state }) => state === wanted).length;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
