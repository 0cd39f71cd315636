import type { Dimension } from '../../execution/perturbation.ts';

/** Why a test is flaky, or would be without what it does about it. */
export const CAUSES = [
  'async-wait',
  'concurrency',
  'order-dependency',
  'time',
  'randomness',
  'network-os',
  'unordered-collection',
] as const;
export type Cause = (typeof CAUSES)[number];

/** What has to vary from run to run for a cause to show. */
export const DIMENSIONS_OF: Readonly<Record<Cause, readonly Dimension[]>> = {
  'async-wait': ['load'],
  concurrency: ['load'],
  'order-dependency': ['order', 'leftover'],
  time: ['clock'],
  randomness: ['random'],
  'network-os': ['host'],
  'unordered-collection': ['iteration'],
};

/** What models call the causes. */
const OTHER_NAMES: Readonly<Record<string, Cause>> = {
  async: 'async-wait',
  'asynchronous-wait': 'async-wait',
  order: 'order-dependency',
  'test-order': 'order-dependency',
  'shared-state': 'order-dependency',
  'time-zone': 'time',
  timezone: 'time',
  date: 'time',
  random: 'randomness',
  network: 'network-os',
  os: 'network-os',
  unordered: 'unordered-collection',
  'unordered-collections': 'unordered-collection',
  'race-condition': 'concurrency',
};

function isCause(name: string): name is Cause {
  return CAUSES.some((cause) => cause === name);
}

/** The cause that a word names; `undefined` for `none` and for what is no cause. */
export function causeOf(word: string): Cause | undefined {
  const name = word
    .trim()
    .toLowerCase()
    .replaceAll(/[^a-z]+/g, '-')
    .replaceAll(/^-|-$/g, '');
  return isCause(name) ? name : OTHER_NAMES[name];
}
