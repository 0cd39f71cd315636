import { groupBy } from '../../core/group-by.ts';
import { createHash } from 'node:crypto';
import type { TaskCategory } from '../../core/task.ts';
import { differenceOf } from '../guards.ts';
import { nearPairs, type NearPair } from '../near-pairs.ts';
import { confidenceOf, promptHash, scopeKey, type Pattern } from '../pattern.ts';

/** Prompts this alike are the same where nothing differs that matters. */
const SAME = 0.95;
/** Prompts this alike are variations of one task: what is learned of one tells of the other. */
const RELATED = 0.9;

export const DATASET_CATEGORIES = [
  'test-generation',
  'coverage-analysis',
  'flaky-detection',
  'code-review',
] as const satisfies readonly TaskCategory[];
export type DatasetCategory = (typeof DATASET_CATEGORIES)[number];

/** A pattern of a data set. */
export interface Member {
  pattern: Pattern & { category: DatasetCategory };
  vector: Float32Array;
}

export function isDatasetPattern(pattern: Pattern): pattern is Member['pattern'] {
  return DATASET_CATEGORIES.some((category) => category === pattern.category);
}

/** A member, and the group that must not be torn apart. */
export interface Grouped extends Member {
  group: string;
}

/** Those that stand for all: of several that ask the same, the one that is verified or most confident. */
export function dedupe(members: readonly Member[]): Member[] {
  const order = members.toSorted((a, b) => rankOf(b.pattern) - rankOf(a.pattern));
  const pairs = nearPairs(
    order.map(({ vector }) => vector),
    SAME,
  );
  const gone = new Set<number>();
  const seen = new Map<string, number>();
  for (const [index, { pattern }] of order.entries()) {
    const key = `${scopeKey(pattern.scope)} ${promptHash(pattern.prompt).toString('hex')}`;
    if (seen.has(key)) gone.add(index);
    else seen.set(key, index);
  }
  for (const { first, second } of pairs.toSorted(byBetter)) {
    const [better, worse] = [Math.min(first, second), Math.max(first, second)];
    const one = order[better]?.pattern;
    const other = order[worse]?.pattern;
    if (one === undefined || other === undefined || gone.has(better)) continue;
    if (scopeKey(one.scope) !== scopeKey(other.scope)) continue;
    if (differenceOf(one.prompt, other.prompt) === undefined) gone.add(worse);
  }
  return order.filter((_member, index) => !gone.has(index));
}

/** By repository, and what is alike goes with it. */
export function groupsOf(members: readonly Member[]): Grouped[] {
  const parents = members.map((_member, index) => index);
  const rootOf = (index: number): number => {
    let root = index;
    for (let parent = parents[root]; parent !== undefined && parent !== root;) {
      root = parent;
      parent = parents[root];
    }
    return root;
  };
  const join = (one: number, other: number): void => {
    const [first, second] = [rootOf(one), rootOf(other)];
    parents[Math.max(first, second)] = Math.min(first, second);
  };
  const repositories = new Map<string, number>();
  for (const [index, { pattern }] of members.entries()) {
    const { repository } = pattern.scope;
    if (repository === undefined) continue;
    const first = repositories.get(repository);
    if (first === undefined) repositories.set(repository, index);
    else join(first, index);
  }
  const vectors = members.map(({ vector }) => vector);
  for (const { first, second } of nearPairs(vectors, RELATED)) join(first, second);
  return members.map((member, index) => ({
    ...member,
    group: hashOf(members[rootOf(index)]?.pattern.id ?? ''),
  }));
}

/** What of each kind of work a data set is to have; what is none of these is left out. */
export const SHARES: Readonly<Record<DatasetCategory, number>> = {
  'test-generation': 0.4,
  'coverage-analysis': 0.3,
  'flaky-detection': 0.2,
  'code-review': 0.1,
};

/** As many as keep the shares of `SHARES` among the kinds of work that are there, the most confident first. */
export function balance<Item extends Member>(members: readonly Item[]): Item[] {
  const byCategory = groupBy(members, ({ pattern }) => pattern.category);
  const total = Math.min(
    ...[...byCategory].map(([category, items]) => items.length / SHARES[category]),
  );
  return [...byCategory].flatMap(([category, items]) =>
    items
      .toSorted((a, b) => rankOf(b.pattern) - rankOf(a.pattern))
      // Rounded, so that 29.999 is 30.
      .slice(0, Math.floor(Math.round(total * SHARES[category] * 1e6) / 1e6)),
  );
}

export const SPLITS = { train: 0.7, validation: 0.15, test: 0.15 } as const;
export type Split = keyof typeof SPLITS;

/** Whole groups to the split that lacks most of their kind of work; the same groups give the same splits. */
export function splitsOf(members: readonly Grouped[]): Record<Split, Grouped[]> {
  const splits: Record<Split, Grouped[]> = { train: [], validation: [], test: [] };
  const names = ['train', 'validation', 'test'] as const;
  const totals = groupBy(members, ({ pattern }) => pattern.category);
  const groups = [...groupBy(members, ({ group }) => group).entries()].toSorted(
    ([one, a], [other, b]) => b.length - a.length || (one < other ? -1 : 1),
  );
  const counts = new Map<string, number>();
  const has = (split: Split, category: DatasetCategory): number =>
    counts.get(`${split} ${category}`) ?? 0;
  for (const [, group] of groups) {
    const lack = (split: Split): number =>
      group.reduce((sum, { pattern: { category } }) => {
        const wanted = SPLITS[split] * (totals.get(category)?.length ?? 0);
        return sum + (wanted - has(split, category)) / wanted;
      }, 0);
    const [most = 'train'] = names.toSorted((a, b) => lack(b) - lack(a));
    splits[most].push(...group);
    for (const { pattern } of group) {
      counts.set(`${most} ${pattern.category}`, has(most, pattern.category) + 1);
    }
  }
  return splits;
}

function rankOf({ verified, belief }: Pattern): number {
  return (verified === 'no' ? 0 : 1) + confidenceOf(belief);
}

function byBetter(one: NearPair, other: NearPair): number {
  return Math.min(one.first, one.second) - Math.min(other.first, other.second);
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
