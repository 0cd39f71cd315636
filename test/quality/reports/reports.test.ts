import { describe, expect, it } from 'vitest';
import { toJson, toJUnit, toMarkdown, toTable } from '../../../src/quality/reports/index.ts';
import type { BaselineReport } from '../../../src/quality/result.ts';
import { DRIVING, HOSTILE, largeDetails, manyReport, sampleReport } from './sample.ts';
import { parseXml } from './xml.ts';

const STATES = ['pass', 'marginal', 'fail', 'inconclusive'] as const;

function withHostileNames(): BaselineReport {
  const report = sampleReport('inconclusive');
  const rename = <Task extends { id: string }>(task: Task): Task => ({
    ...task,
    id: HOSTILE + task.id,
  });
  const [candidate] = report.candidates;
  return {
    ...report,
    candidates: [
      {
        ...candidate,
        id: HOSTILE,
        verdict: { ...candidate.verdict, reasons: [HOSTILE, `a | b\nc @someone`] },
        tasks: candidate.tasks.map(rename),
      },
    ],
    reference: { ...report.reference, tasks: report.reference.tasks.map(rename) },
  };
}

function emptyReport(): BaselineReport {
  const report = sampleReport('inconclusive');
  return {
    ...report,
    candidates: [{ ...report.candidates[0], meanScore: null, tasks: [] }],
    reference: { ...report.reference, meanScore: null, tasks: [] },
  };
}

describe('toJson', () => {
  it('is the report itself, in the order of the contract, whatever order it was built in', () => {
    const report = sampleReport();
    const text = toJson(report);
    expect(JSON.parse(text)).toEqual(report);
    expect(text.endsWith('}\n')).toBe(true);
    expect(toJson(reversed(report))).toBe(text);
    const keysAt = (depth: number) =>
      [...text.matchAll(new RegExp(`^ {${depth}}"(\\w+)"`, 'gm'))].map(([, key]) => key);
    expect(keysAt(2)).toEqual(['schema', 'run', 'reference', 'candidates']);
    expect(keysAt(4).slice(0, 12)).toEqual([
      'id',
      'suite',
      'suiteHash',
      'seed',
      'repeats',
      'maxTokens',
      'temperature',
      'rubric',
      'shard',
      'thresholds',
      'startedAt',
      'sandbox',
    ]);
    const candidate = text.slice(text.indexOf('"candidates"'));
    expect([...candidate.matchAll(/^ {6}"(\w+)"/gm)].map(([, key]) => key)).toEqual([
      'id',
      'verdict',
      'categories',
      'meanScore',
      'latencyMs',
      'ttftMs',
      'tokensPerSecond',
      'scorePer1kOutputTokens',
      'costUsd',
      'errorRetries',
      'tasks',
    ]);
  });
});

function reversed<Value>(value: Value): Value {
  const text = JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).reverse())
      : inner,
  );
  return JSON.parse(text);
}

describe('toTable', () => {
  it.each([120, 80, 60])('fits %i columns', (width) => {
    const table = toTable(sampleReport(), { width, color: false });
    expect(Math.max(...table.split('\n').map((line) => line.length))).toBeLessThanOrEqual(width);
    expect(table).toMatchSnapshot();
  });

  it.each(STATES)('ends with the verdict %s and why', (state) => {
    const [{ verdict }] = sampleReport(state).candidates;
    const lines = toTable(sampleReport(state), { width: 120, color: false }).split('\n');
    const word = { pass: 'GO', marginal: 'MARGINAL', fail: 'NO-GO', inconclusive: 'INCONCLUSIVE' };
    expect(lines.indexOf(word[state])).toBeGreaterThan(0);
    for (const reason of verdict.reasons) expect(lines).toContain(`  ${reason}`);
  });

  it('writes escape codes only when asked to, and none of the tasks’ own', () => {
    const report = withHostileNames();
    for (const character of DRIVING) {
      expect(toTable(report, { width: 100, color: false })).not.toContain(character);
    }
    expect(toTable(report, { width: 100, color: true })).not.toContain('\u001B[31mred');
    expect(toTable(report, { width: 100, color: true })).toContain('\u001B[');
  });

  it.each([120, 80])('sets several candidates side by side in %i columns', (width) => {
    const table = toTable(manyReport(), { width, color: false });
    expect(Math.max(...table.split('\n').map((line) => line.length))).toBeLessThanOrEqual(width);
    expect(table).toMatchSnapshot();
  });

  it('says so when there is nothing to show', () => {
    expect(toTable(emptyReport(), { width: 80, color: false })).toContain('No task was run.');
  });
});

describe('toMarkdown', () => {
  it.each(STATES)('writes a summary of %s', (state) => {
    expect(toMarkdown(sampleReport(state))).toMatchSnapshot();
  });

  it('sets several candidates side by side under the worst verdict', () => {
    const text = toMarkdown(manyReport());
    expect(text).toMatch(/^## ❌ Baseline qe-100: NO-GO$/m);
    expect(text).toMatchSnapshot();
  });

  it('escapes what could break a table, be HTML, or call someone', () => {
    const text = toMarkdown(withHostileNames());
    expect(text).not.toMatch(/<(?!\/?code>)/);
    expect(text).not.toContain('@someone');
    const bars = text
      .split('\n')
      .filter((line) => line.startsWith('| ') && line.includes('complex'));
    const cells = bars.map((line) => line.split(/(?<!\\)\|/).length);
    expect(new Set(cells.filter((count) => count > 7))).toEqual(new Set([10]));
  });

  it('stays below 60 kB whatever the number of tasks, and says what it left out', () => {
    const { report } = largeDetails();
    expect(toMarkdown(report)).toContain('task-100');
    const [candidate] = report.candidates;
    const tasks = candidate.tasks.flatMap((task) =>
      Array.from({ length: 12 }, (_, repeat) => ({ ...task, repeat })),
    );
    const text = toMarkdown({ ...report, candidates: [{ ...candidate, tasks }] });
    expect(Buffer.byteLength(text)).toBeLessThan(60_000);
    expect(text).toMatch(/…and \d+ more, left out/);
    expect(text).toContain('### How to read it');
  });

  it('prints a dash for what is not known', () => {
    const text = toMarkdown(emptyReport());
    expect(text).toContain('| mean score | – | – |');
    expect(text).not.toMatch(/null|NaN|undefined/);
  });
});

describe('toJUnit', () => {
  it.each(STATES)('writes %s', (state) => {
    expect(toJUnit(sampleReport(state))).toMatchSnapshot();
  });

  it.each([
    ['pass', false, true],
    ['marginal', false, false],
    ['marginal', true, true],
    ['fail', true, false],
    ['inconclusive', true, false],
  ] as const)(
    'is red when the exit code is not 0: %s, marginal allowed %s',
    (state, allowMarginal, green) => {
      const root = parseXml(toJUnit(sampleReport(state), { allowMarginal }));
      expect(root.name).toBe('testsuites');
      const red = Number(root.attributes['failures']) + Number(root.attributes['errors']);
      expect(red === 0).toBe(green);
      expect(Number(root.attributes['tests'])).toBe(7);
      expect(Number(root.attributes['skipped'])).toBe(green ? 1 : 0);
    },
  );

  it('has a verdict and suites for each of several candidates', () => {
    const root = parseXml(toJUnit(manyReport()));
    expect(root.all('testsuite').map((suite) => suite.attributes['name'])).toEqual([
      'verdict',
      'test-generation, embedded:qwen2.5-coder-1.5b-instruct',
      'test-generation, ollama:qwen2.5-coder:7b',
    ]);
    const [first, second] = root.all('testcase');
    expect(first?.all('failure')).toHaveLength(1);
    expect(second?.all('failure')).toHaveLength(0);
  });

  it('gives no time to an answer that was not timed in this run', () => {
    const cases = parseXml(toJUnit(sampleReport())).all('testcase');
    const timed = cases.filter((test) => 'time' in test.attributes);
    expect(timed.map((test) => test.attributes['name'])).toEqual([
      'slugify',
      'merge-intervals',
      'lru-cache',
      'csv-parser',
    ]);
  });

  it('is well-formed XML whatever the model wrote', () => {
    const root = parseXml(toJUnit(withHostileNames()));
    const names = root.all('testcase').map((test) => test.attributes['name'] ?? '');
    expect(names.some((name) => name.includes('<img src=x onerror="alert(1)">'))).toBe(true);
    expect(root.text()).toContain('</script><img src=x');
    for (const character of DRIVING) {
      expect(toJUnit(withHostileNames())).not.toContain(character);
    }
  });
});
