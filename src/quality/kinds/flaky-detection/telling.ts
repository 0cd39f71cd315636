import { plural } from '../../reports/format.ts';
import type { Item, Telling } from '../telling.ts';
import type { FixEvidence, TestVerdict } from './evidence.ts';

export const flakyDetectionTelling: Telling<'flaky-detection'> = {
  category: 'flaky-detection',
  parts: [
    { name: 'detection', short: 'det', max: 40 },
    { name: 'cause', short: 'cause', max: 20 },
    { name: 'fix', short: 'fix', max: 40 },
  ],
  tallies: [
    {
      name: 'tests told right',
      short: 'told',
      of: ({ tests }) => ({ done: tests.filter(isRight).length, total: tests.length }),
    },
    {
      name: 'flaky tests mended',
      short: 'mended',
      of: ({ tests, fix }) => ({
        done: fix.state === 'ran' ? fix.mended.filter(isMended).length : 0,
        total: tests.filter(({ flaky }) => flaky).length,
      }),
    },
  ],

  marks({ tests, fix }) {
    const silent = tests.filter(({ saidFlaky }) => saidFlaky === null).length;
    const marks = silent > 0 ? [`${plural(silent, 'test')} not judged`] : [];
    if (fix.state === 'needless') marks.push('needless fix');
    if (fix.state === 'broken') marks.push('fix does not run');
    return marks;
  },

  facts: ({ tests, fix }) => [
    tests.some(({ flaky }) => flaky)
      ? `${plural(tests.filter(({ flaky }) => flaky).length, 'flaky test')} of ${tests.length}.`
      : 'All tests of this spec are stable.',
    ...fixFacts(fix),
  ],

  itemsTitle: 'Tests of the spec, and what the candidate says of them',
  items: ({ tests }) =>
    tests.map((test): Item => {
      const truth = test.flaky
        ? `flaky (${test.failures} failures, ${test.cause ?? 'none'})`
        : `stable${test.cause === null ? '' : ` (guards against ${test.cause})`}`;
      return {
        name: test.title,
        state: saidOf(test),
        tone: test.saidFlaky === null ? 'neutral' : isRight(test) ? 'good' : 'bad',
        message: `It is ${truth}.`,
      };
    }),

  notes: () => [],
};

function isRight({ flaky, saidFlaky }: TestVerdict): boolean {
  return flaky === saidFlaky;
}

function isMended({
  survived,
  guards,
}: Extract<FixEvidence, { state: 'ran' }>['mended'][number]): boolean {
  return survived && guards.killed > 0;
}

function saidOf({ saidFlaky, saidCause }: TestVerdict): string {
  if (saidFlaky === null) return 'not judged';
  return `${saidFlaky ? 'flaky' : 'stable'}, ${saidCause ?? 'none'}`;
}

function fixFacts(fix: FixEvidence): string[] {
  switch (fix.state) {
    case 'none':
      return ['No fix was given.'];
    case 'needless':
      return ['A fix was given, and there was nothing to mend.'];
    case 'broken':
      return [`The mended spec cannot be run: ${fix.message}`];
    case 'ran':
      return [
        ...fix.mended.map(
          ({ title, survived, guards }) =>
            `“${title}”, mended: ${survived ? `passed all ${plural(fix.reruns, 'rerun')}` : 'still fails'}; kills ${guards.killed} of the ${plural(guards.total, 'mutant')} that it guards against.`,
        ),
        ...fix.failures.map(
          ({ title, times, message }) =>
            `“${title}” failed in ${plural(times, 'rerun')}: ${message}`,
        ),
        `The other tests kill ${fix.others.killed} of ${plural(fix.others.total, 'mutant')}.`,
      ];
  }
}
