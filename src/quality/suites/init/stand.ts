import type { ExecutionJob } from '../../execution/execution.ts';
import type { Executor } from '../../execution/index.ts';
import { testBlocks, withoutTests } from '../../kinds/coverage-analysis/test-file.ts';
import type { TestEvidence } from '../../kinds/test-generation/evidence.ts';
import { withoutFile, type LeftOut } from './reference.ts';

export type Standing =
  /** Every test that is left passes every time. */
  | { state: 'stands'; text: string; tests: number; leftOut: LeftOut[] }
  | { state: 'refused'; reason: string };

const RERUNS = 3;
const TEST_TIMEOUT_MS = 5000;
/** Leaving tests out can make others fail that relied on them. */
const ROUNDS = 4;
const LEAST_SHARE = 0.5;

/** Runs the project’s tests on the grader’s runner and leaves those out that do not pass there every time. */
export async function makeStand(
  subject: ExecutionJob['subject'],
  reference: string,
  executor: Executor,
  signal: AbortSignal,
): Promise<Standing> {
  const leftOut: LeftOut[] = [];
  const total = testBlocks(reference).length;
  let text = reference;
  for (let round = 0; round < ROUNDS; round += 1) {
    const execution = await executor.execute(
      {
        subject,
        test: { fileName: 'reference.test.ts', source: text },
        reruns: RERUNS,
        mutants: [],
        testTimeoutMs: TEST_TIMEOUT_MS,
        mustCheck: true,
      },
      signal,
    );
    if (execution.state === 'not-loaded') {
      return { state: 'refused', reason: `its tests do not load: ${firstLine(execution.message)}` };
    }
    const failing = execution.tests.filter(
      ({ state }) => state !== 'passed' && state !== 'vacuous',
    );
    const kept = testBlocks(text);
    if (failing.length === 0) {
      const few = kept.length < LEAST_SHARE * total;
      if (!few) return { state: 'stands', text, tests: kept.length, leftOut };
      const why = leftOut[0] === undefined ? '' : `: ${leftOut[0].reason}`;
      return {
        state: 'refused',
        reason: `only ${kept.length} of its ${total} tests can be used${why}`,
      };
    }
    const gone = new Map<string, string>();
    for (const test of failing) {
      const block = blockOf(
        test.name,
        kept.map(({ name }) => name),
      );
      // Tests that are made in loops or behind conditions cannot be told apart: their file goes.
      const [file = ''] = test.name.split(' > ');
      const rest = block === undefined ? withoutFile(text, file) : undefined;
      if (block === undefined && rest === undefined) {
        return { state: 'refused', reason: `its test “${test.name}” ${said(test)}` };
      }
      gone.set(block ?? file, said(test));
      text = rest ?? text;
    }
    leftOut.push(...[...gone].map(([name, reason]) => ({ name, reason })));
    text = withoutTests(text, new Set(gone.keys()));
    if (testBlocks(text).length === 0) {
      return {
        state: 'refused',
        reason: `none of its ${total} tests passes: ${leftOut[0]?.reason ?? ''}`,
      };
    }
  }
  return { state: 'refused', reason: 'its tests rely on one another' };
}

function said({ state, message }: TestEvidence): string {
  return message === undefined ? state : `${state}: ${firstLine(message)}`;
}

function firstLine(text: string): string {
  const [line = ''] = text.split('\n');
  return line.length > 160 ? `${line.slice(0, 159)}…` : line;
}

/** The block, as it is written, that a test came from: titles of tables have placeholders. */
export function blockOf(test: string, blocks: readonly string[]): string | undefined {
  return blocks.find((name) => name === test) ?? blocks.find((name) => patternOf(name).test(test));
}

function patternOf(name: string): RegExp {
  const escaped = name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const open = escaped.replaceAll(/%[sdifjoOpc#%]|\\\$\\\{.*?\\\}|\\\$[\w.#]+/g, '[\\s\\S]*');
  return new RegExp(`^${open}$`);
}
