import { createHash } from 'node:crypto';
import type { BaselineReport, CandidateReport } from '../result.ts';
import type { ReportDetails, TaskDetails } from './details.ts';
import { plural } from './format.ts';
import { candidateTable, scoreTable } from './html/candidates.ts';
import { scoreChart } from './html/charts.ts';
import { distributions } from './html/distribution.ts';
import { html, NOTHING, render, written } from './html/markup.ts';
import type { Markup } from './html/markup.ts';
import { SCRIPT } from './html/script.ts';
import { STYLE } from './html/style.ts';
import { banner, groupTable, taskTable, tiles } from './html/summary.ts';
import { taskSection } from './html/task-section.ts';
import { trendChart } from './html/trend.ts';
import { inCategories, pairTasks, rowsOf, type TaskRow } from './pairs.ts';
import { HEADLINES, READING } from './words.ts';

/** Bytes that the texts of all tasks may take together; the rest of the page is small beside them. */
const TEXT_BYTES = 3_800_000;
const TASK_BYTES = 300_000;

/**
 * One page that needs nothing else: no request leaves it, and its policy allows no style or script but
 * its own two. Answers and test names come from a model, so that they are only ever text in it.
 * Long answers are cut so that the page of 100 tasks stays below 5 MB.
 */
export function toHtml(details: ReportDetails): string {
  const { report, tasks } = details;
  const rows = rowsOf(report);
  const find = detailsFinder(tasks);
  const place = new Map(rows.map((row, index) => [row.label, index]));
  const anchor = ({ label }: { label: string }): string => `task-${place.get(label) ?? 0}`;
  const maxBytes = Math.min(TASK_BYTES, Math.floor(TEXT_BYTES / Math.max(1, rows.length)));
  const [only, ...others] = report.candidates;
  const heading =
    only !== undefined && others.length === 0
      ? `${only.id} against ${report.reference.id}`
      : `${plural(report.candidates.length, 'candidate')} against ${report.reference.id}`;
  const page = html`${written('<!doctype html>')}
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src '${hash(STYLE)}'; script-src '${hash(SCRIPT)}'; base-uri 'none'; form-action 'none'"
        />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="referrer" content="no-referrer" />
        <title>
          ${only !== undefined && others.length === 0 ? `${HEADLINES[only.verdict.state]}: ` : ''}${heading}
        </title>
        ${element('style', STYLE)}
      </head>
      <body>
        <header class="top">
          <span class="brand">aqe-llm <span>baseline</span></span
          ><button class="tool" id="theme" type="button" hidden>Light / dark</button>
        </header>
        <main>
          <h1>${heading}</h1>
          <p class="muted">${intro(report, rows.length)}</p>
          ${
            others.length === 0
              ? report.candidates.map((candidate, index) =>
                  oneCandidate(candidate, details, index, anchor),
                )
              : manyCandidates(details, rows, anchor)
          }
          <div class="bar-row">
            <h2>Task by task</h2>
            <div>
              <button class="tool" type="button" data-open="yes" hidden>Open all</button
              ><button class="tool" type="button" data-open="no" hidden>Close all</button>
            </div>
          </div>
          ${rows.map((row) => taskSection(row, find(row), anchor(row), maxBytes))}
        </main>
        <footer>
          <h2>How to read it</h2>
          <ul>
            ${READING.map((line) => html`<li>${line}</li>`)}
          </ul>
          ${runFacts(report)}
        </footer>
        ${element('script', SCRIPT)}
      </body>
    </html>`;
  return `${render(page)}\n`;
}

type Anchor = (item: { label: string }) => string;

function oneCandidate(
  candidate: CandidateReport,
  details: ReportDetails,
  index: number,
  anchor: Anchor,
): Markup {
  const { reference } = details.report;
  const pairs = pairTasks(candidate, reference);
  return html`${candidateSummary(candidate, details, index)}
    <h2>Score of each task</h2>
    <div class="card">
      <div class="legend">
        <span><i></i>candidate: ${candidate.id}</span
        ><span><i class="ring"></i>reference: ${reference.id}</span>
      </div>
      ${scoreChart(pairs, anchor)}
    </div>
    <h2>All tasks</h2>
    ${inCategories(pairs, (pair) => pair.candidate.category).map(
      ({ category, members }) =>
        html`<h3 class="category">${category}</h3>
          ${taskTable(category, members, anchor)}`,
    )}`;
}

function manyCandidates(details: ReportDetails, rows: readonly TaskRow[], anchor: Anchor): Markup {
  const { report } = details;
  const section = (index: number): string => `candidate-${index + 1}`;
  return html`${candidateTable(report, section)}
    <h2>All tasks</h2>
    ${inCategories(rows, (row) => row.category).map(
      ({ category, members }) =>
        html`<h3 class="category">${category}</h3>
          ${scoreTable(members, anchor)}`,
    )}
    ${report.candidates.map(
      (candidate, index) =>
        html`<section id="${section(index)}">
          <h2>#${index + 1} ${candidate.id}</h2>
          ${candidateSummary(candidate, details, index)}
        </section>`,
    )}`;
}

/** Verdict, figures, categories, distributions and the trend of one candidate. */
function candidateSummary(
  candidate: CandidateReport,
  { report, history }: ReportDetails,
  index: number,
): Markup {
  const { run, reference } = report;
  const trend = trendChart(history[index] ?? [], {
    runId: run.id,
    startedAt: run.startedAt,
    suiteHash: run.suiteHash,
    verdict: candidate.verdict,
  });
  return html`${banner(candidate, reference)} ${tiles(candidate, reference)}
    <h3>Means by category and complexity</h3>
    ${groupTable(candidate, pairTasks(candidate, reference))}
    <h3>How the scores are spread (bars: candidate, lines: reference)</h3>
    ${distributions(candidate, reference)}
    ${
      render(trend) === ''
        ? NOTHING
        : html`<h3>Over time</h3>
            ${trend}`
    }`;
}

function intro({ run, candidates, reference }: BaselineReport, count: number): string {
  const who = candidates.length === 1 ? (candidates[0]?.id ?? '') : 'Each candidate';
  const shard = run.shard === null ? '' : `, shard ${run.shard.index} of ${run.shard.of}`;
  return `${who} answered ${plural(count, 'task')} of the suite ${run.suite}${shard}${run.repeats > 1 ? ` (repeats counted)` : ''}. Each answer was graded by running it in a sandbox (${run.sandbox}) or against measured truth. The scores are set against those of ${reference.id} on the same tasks.`;
}

function runFacts({ run }: BaselineReport): Markup {
  const facts = {
    run: run.id,
    started: run.startedAt,
    suite: `${run.suite} ${run.suiteHash}`,
    seed: String(run.seed),
    repeats: String(run.repeats),
    'tokens at most': String(run.maxTokens),
    temperature: String(run.temperature),
    rubric: run.rubric,
    sandbox: run.sandbox,
    ...run.versions,
  };
  return html`<h2>The run</h2>
    <dl>
      ${Object.entries(facts).map(
        ([name, value]) =>
          html`<dt>${name}</dt>
            <dd>${value}</dd>`,
      )}
    </dl>`;
}

function detailsFinder(tasks: readonly TaskDetails[]): (row: TaskRow) => TaskDetails | undefined {
  const key = (task: { id: string; repeat: number }): string => `${task.repeat} ${task.id}`;
  const byRepeat = new Map(tasks.map((task) => [key(task), task]));
  return ({ candidates, reference }) => {
    const result = candidates.find((each) => each !== undefined) ?? reference;
    return result === undefined ? undefined : byRepeat.get(key(result));
  };
}

// Whole, since the policy names the hash of every character between the tags.
function element(name: 'style' | 'script', content: string): Markup {
  return written(`<${name}>${content}</${name}>`);
}

function hash(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
