import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { html, render } from '../../../src/quality/reports/html/markup.ts';
import { toHtml } from '../../../src/quality/reports/index.ts';
import type { ReportDetails } from '../../../src/quality/reports/index.ts';
import {
  detailsFor,
  DRIVING,
  HOSTILE,
  largeDetails,
  manyReport,
  sampleDetails,
  sampleReport,
} from './sample.ts';

/** The names of all tags of a page, its own script and style left out. */
function tagsOf(page: string): Set<string> {
  const body = page.replace(/<(script|style)>[\s\S]*?<\/\1>/g, '');
  return new Set([...body.matchAll(/<\/?([a-zA-Z!][^\s/>]*)/g)].map(([, name]) => name ?? ''));
}

const UNITS = [
  '<',
  '>',
  '"',
  "'",
  '&',
  ';',
  '`',
  '=',
  '/',
  'lt',
  '#',
  '\n',
  '\u0000',
  '\uD800',
  '😀',
];
const OUR_TAGS = tagsOf(toHtml(sampleDetails('fail')));

function hostileEverywhere(): ReportDetails {
  const { report, tasks } = sampleDetails('fail');
  const rename = <Task extends { id: string }>(task: Task): Task => ({
    ...task,
    id: HOSTILE + task.id,
  });
  return {
    report: {
      ...report,
      run: { ...report.run, suite: HOSTILE, sandbox: HOSTILE, versions: { [HOSTILE]: HOSTILE } },
      candidates: report.candidates.map((candidate) => ({
        ...candidate,
        id: HOSTILE,
        verdict: { ...candidate.verdict, reasons: [HOSTILE] },
        tasks: candidate.tasks.map(rename),
      })),
      reference: { ...report.reference, id: HOSTILE, tasks: report.reference.tasks.map(rename) },
    },
    tasks: tasks.map((task) => ({
      ...rename(task),
      title: HOSTILE,
      exhibits: task.exhibits.map(({ text }) => ({ name: HOSTILE, text: `${HOSTILE}\n${text}` })),
      answers: [HOSTILE],
      referenceAnswer: HOSTILE,
    })),
    history: [],
  };
}

describe('toHtml', () => {
  it('asks for nothing from outside and allows only its own style and script', () => {
    const page = toHtml(sampleDetails());
    expect(page).toMatch(/^<!doctype html>/);
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1] ?? '';
    for (const name of ['style', 'script']) {
      const found = [...page.matchAll(new RegExp(`<${name}>([\\s\\S]*?)</${name}>`, 'g'))];
      expect(found).toHaveLength(1);
      const hash = createHash('sha256')
        .update(found[0]?.[1] ?? '')
        .digest('base64');
      expect(policy).toContain(`${name}-src 'sha256-${hash}'`);
    }
    expect(policy).toContain("default-src 'none'");
    expect(page).not.toMatch(/<(link|img|iframe|object|base)\b|url\(|@import|\bsrc=(?!x)/);
    expect(page).not.toMatch(/ (style|on\w+)="(?!alert)/);
  });

  it('shows hostile text as text, wherever it comes from', () => {
    const page = toHtml(hostileEverywhere());
    expect(page).not.toContain('<img');
    expect(page).not.toContain('<b>bold');
    expect(page.match(/<script>/g)).toHaveLength(1);
    for (const character of DRIVING) expect(page).not.toContain(character);
    expect(page).toContain('&lt;/script&gt;&lt;img src=x onerror=&quot;alert(1)&quot;&gt;');
    expect([...tagsOf(page)].filter((tag) => !OUR_TAGS.has(tag))).toEqual([]);
  });

  it('never lets a text out of its place', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...UNITS) }), (text) => {
        const page = render(html`<p title="${text}">${text}</p>`);
        expect(page.match(/[<>"]/g)?.join('')).toBe('<""><>');
        expect(page).not.toMatch(/&(?!amp;|lt;|gt;|quot;|#39;)/);
      }),
    );
  });

  it.each([
    ['pass', '>GO<'],
    ['marginal', '>MARGINAL<'],
    ['fail', '>NO-GO<'],
    ['inconclusive', '>INCONCLUSIVE<'],
  ] as const)('opens with the verdict %s', (state, word) => {
    const page = toHtml(sampleDetails(state));
    expect(page).toContain(word);
    expect(page.includes('class="ratio"')).toBe(state !== 'inconclusive');
  });

  it('puts uncovered lines and surviving mutants where they are in the subject', () => {
    const page = toHtml(sampleDetails());
    const section = page.slice(page.indexOf('id="task-1"'), page.indexOf('id="task-2"'));
    const lines = section.slice(section.indexOf('<pre class="code"')).split('\n');
    const guard = lines.findIndex((line) => line.includes('Array.isArray'));
    expect(lines[guard]).toContain('class="l u"');
    expect(lines[guard + 1]).toContain('not reached');
    expect(lines[guard + 1]).toContain('BlockStatement');
    expect(section).toContain('<del>start &lt;= end</del>');
    expect(section).toContain('<ins>start &lt; end</ins>');
    expect(section).toContain('line not covered: 3');
  });

  it('tells what became of each answer', () => {
    const page = toHtml(sampleDetails());
    for (const note of [
      'The answer did not parse as it stood: 5 of 9 tests could be kept.',
      'The answer ended at the token limit.',
      'Stopped because the answer repeated itself.',
      'The test file did not load: The file holds no test.',
      'Answer replayed from a recording; not timed in this run.',
      'provider.crashed',
      'Property &#39;ends&#39; does not exist',
    ]) {
      expect(page).toContain(note);
    }
  });

  it('sets several candidates side by side, each with its verdict and its answers', () => {
    const page = toHtml(detailsFor(manyReport()));
    expect(page).toContain('2 candidates against gold:qe-100');
    for (const part of ['>NO-GO<', '>GO<', 'id="candidate-1"', 'id="candidate-2"']) {
      expect(page).toContain(part);
    }
    const section = page.slice(page.indexOf('id="task-0"'), page.indexOf('id="task-1"'));
    expect(section.match(/Answer of the candidate/g)).toHaveLength(2);
    expect([...tagsOf(page)].filter((tag) => !OUR_TAGS.has(tag))).toEqual([]);
  });

  it('draws how scores are spread, and earlier runs where there are some', () => {
    const page = toHtml(sampleDetails('pass'));
    expect(page).toContain('test-generation: 5 answers, median 6.96');
    expect(page).toMatch(/aria-label="Ratio over 3 runs"/);
    expect(page).toContain('20260205-100000-bbbb');
    expect(toHtml({ ...sampleDetails('pass'), history: [] })).not.toContain('Over time');
  });

  it('keeps 100 tasks with long answers below 5 MB and says what it left out', () => {
    const details = largeDetails();
    const huge = details.tasks.map((task, index) =>
      index === 0 ? { ...task, answers: ['<&"\n'.repeat(2_500_000)] } : task,
    );
    const page = toHtml({ ...details, tasks: huge });
    expect(Buffer.byteLength(page)).toBeLessThan(5_000_000);
    expect(page).toContain('left out to keep the page small');
    expect(page).toContain('id="task-99"');
  });

  it('prints a dash for what is not known, and works without details', () => {
    const report = sampleReport('inconclusive');
    const [candidate] = report.candidates;
    const bare = { ...report, candidates: [{ ...candidate, meanScore: null, tasks: [] }] };
    const page = toHtml({ report: bare, tasks: [], history: [] });
    expect(page).toContain('<span class="big">–</span>');
    expect(page).not.toMatch(/null|NaN|undefined/);
    expect(toHtml({ report, tasks: [], history: [] })).toContain('id="task-5"');
  });
});
