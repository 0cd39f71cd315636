import { categoriesIn, type Dataset } from './dataset.ts';
import { SHARES, SPLITS, type Split } from './groups.ts';

const SIZES: readonly [number, string][] = [
  [1000, 'n<1K'],
  [10_000, '1K<n<10K'],
  [100_000, '10K<n<100K'],
  [Infinity, '100K<n<1M'],
];

/** README.md of a data set, with the front matter that the hub and the `datasets` library read. */
export function datasetCard(dataset: Dataset): string {
  const { account } = dataset;
  const splits = splitsIn(dataset);
  const size = SIZES.find(([most]) => account.rows < most)?.[1] ?? '';
  const categories = categoriesIn(dataset);
  const shares = categories.map((category) => `${category} ${SHARES[category] * 100}`).join(', ');
  const cell = (split: Split, category: string): number =>
    dataset.splits[split].filter((row) => row.category === category).length;
  return `---
license: other
language:
- en
task_categories:
- text-generation
tags:
- code
- software-testing
size_categories:
- ${size}
configs:
- config_name: default
  data_files:
${splits.map((split) => `  - split: ${split}\n    path: data/${split}.parquet`).join('\n')}
dataset_info:
  features:
  - name: id
    dtype: string
  - name: messages
    list:
    - name: role
      dtype: string
    - name: content
      dtype: string
  - name: category
    dtype: string
  - name: group
    dtype: string
  - name: confidence
    dtype: float64
  - name: uses
    dtype: int32
  - name: verified
    dtype: string
  - name: target
    dtype: string
---

# Quality-engineering prompts and answers

${account.rows} conversations of one turn, in TRL's \`messages\` form, taken from the patterns that a fleet of agents has used.

| | ${categories.join(' | ')} | all |
|---|${categories.map(() => '---:|').join('')}---:|
${splits
  .map(
    (split) =>
      `| ${split} | ${categories.map((category) => cell(split, category)).join(' | ')} | ${dataset.splits[split].length} |`,
  )
  .join('\n')}

How it was made, from ${account.patterns} patterns:

- ${account.unfit} were not sure enough, used too rarely, kept from use, had expired, or were of another kind of work.
- ${account.duplicates} asked the same as one that is kept.
- ${account.unbalanced} were left out to keep the kinds of work in proportion (${shares}).
- The splits are ${Object.values(SPLITS)
    .map((share) => `${share * 100} %`)
    .join(', ')} of the groups: what comes from one repository, or is alike, is in one split.
- ${account.secrets} secrets were replaced by \`[REDACTED]\`. What finds them knows many kinds, not all.

\`review-sample.jsonl\` holds ${dataset.sample.length} rows, chosen at random, for a person to look at before anything is trained with this.

\`target\` is who wrote an answer. Mind the terms of that model: some do not allow training with what it wrote; the licence of this set is yours to choose.
`;
}

function splitsIn({ splits }: Dataset): Split[] {
  return (['train', 'validation', 'test'] as const).filter((split) => splits[split].length > 0);
}
