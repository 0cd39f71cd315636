import Table from 'cli-table3';
import { COMPLEXITIES, TASK_CATEGORIES } from '../src/core/task.ts';
import { describe } from '../src/routing/describe.ts';
import { readLabelled, requestOf, split, type Labelled } from './describe/labelled.ts';

const ROUNDS = 20;
const BINS = [0, 0.5, 0.7, 0.85, 0.95, 1];

interface Judged {
  prompt: Labelled;
  category: string;
  complexity: string;
  confidence: number;
}

/** How often the classifier is right, on what it was trained with and on what it never saw, and what it costs. */
export async function run(out: (line: string) => void): Promise<void> {
  const { development, heldOut } = split(readLabelled());
  const sets = { development, 'held out': heldOut, all: [...development, ...heldOut] };
  out('share of prompts that are described as they are labelled');
  const table = new Table({
    head: ['', 'prompts', 'category', 'complexity', 'both'],
    style: { head: [], border: [], compact: true },
  });
  for (const [name, prompts] of Object.entries(sets)) {
    const judged = prompts.map(judge);
    const right = (test: (it: Judged) => boolean): string =>
      (judged.filter(test).length / judged.length).toFixed(3);
    table.push([
      name,
      prompts.length,
      right(rightCategory),
      right(rightComplexity),
      right((it) => rightCategory(it) && rightComplexity(it)),
    ]);
  }
  out(table.toString());
  const judged = heldOut.map(judge);
  confusion('category', TASK_CATEGORIES, judged, out);
  confusion('complexity', COMPLEXITIES, judged, out);
  reliability(judged, out);
  speed(sets.all, out);
}

function judge(prompt: Labelled): Judged {
  const { category, complexity, confidence } = describe(requestOf(prompt));
  return { prompt, category, complexity, confidence };
}

const rightCategory = ({ prompt, category }: Judged): boolean => prompt.category === category;
const rightComplexity = ({ prompt, complexity }: Judged): boolean =>
  prompt.complexity === complexity;

/** Rows are labels, columns what was said. */
function confusion(
  what: 'category' | 'complexity',
  names: readonly string[],
  judged: readonly Judged[],
  out: (line: string) => void,
): void {
  out(`held out, ${what}: labels down, what was said across`);
  const table = new Table({
    head: ['', ...names, 'recall'],
    style: { head: [], border: [], compact: true },
  });
  for (const label of names) {
    const its = judged.filter(({ prompt }) => prompt[what] === label);
    const said = names.map((name) => its.filter((it) => it[what] === name).length);
    const hits = its.filter((it) => it[what] === label).length;
    table.push([label, ...said, (hits / its.length).toFixed(2)]);
  }
  out(table.toString());
}

/** Whether a confidence is worth its number. */
function reliability(judged: readonly Judged[], out: (line: string) => void): void {
  out('held out: confidence and how often category and complexity were both right');
  const table = new Table({
    head: ['confidence', 'prompts', 'mean confidence', 'both right'],
    style: { head: [], border: [], compact: true },
  });
  for (const [index, from] of BINS.slice(0, -1).entries()) {
    const to = BINS[index + 1] ?? 1;
    const its = judged.filter(({ confidence }) => confidence >= from && confidence < to);
    const mean = its.reduce((sum, { confidence }) => sum + confidence, 0) / its.length;
    const right = its.filter((it) => rightCategory(it) && rightComplexity(it)).length;
    table.push([
      `${from}–${to}`,
      its.length,
      ...(its.length === 0 ? ['', ''] : [mean.toFixed(2), (right / its.length).toFixed(2)]),
    ]);
  }
  out(table.toString());
}

function speed(prompts: readonly Labelled[], out: (line: string) => void): void {
  const requests = prompts.map(requestOf);
  const rivals = {
    'control: bytes of the prompt': (index: number) =>
      Buffer.byteLength(requests[index]?.messages[0]?.content ?? ''),
    describe: (index: number) => describe(requests[index] ?? { messages: [] }),
  };
  out(`microseconds a prompt, ${ROUNDS} rounds over all, in turns`);
  const times = Object.keys(rivals).map((): number[] => []);
  for (let round = -2; round < ROUNDS; round += 1) {
    for (const index of requests.keys()) {
      for (const [which, work] of Object.values(rivals).entries()) {
        const start = process.hrtime.bigint();
        work(index);
        if (round >= 0) times[which]?.push(Number(process.hrtime.bigint() - start) / 1000);
      }
    }
  }
  for (const [which, name] of Object.keys(rivals).entries()) {
    const sorted = (times[which] ?? []).toSorted((a, b) => a - b);
    const at = (share: number): string =>
      (sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN).toFixed(1);
    out(`${name.padEnd(30)} p50 ${at(0.5)}  p95 ${at(0.95)}  p99 ${at(0.99)}`);
  }
}
