import { createHash } from 'node:crypto';
import type { BaselineReport } from '../result.ts';
import type { ReportDetails, TaskDetails } from './details.ts';
import { plural } from './format.ts';
import { scoreChart } from './html/charts.ts';
import { html, render, written } from './html/markup.ts';
import type { Markup } from './html/markup.ts';
import { SCRIPT } from './html/script.ts';
import { STYLE } from './html/style.ts';
import { banner, groupTable, taskTable, tiles } from './html/summary.ts';
import { taskSection } from './html/task-section.ts';
import { inCategories, pairTasks, type TaskPair } from './pairs.ts';
import { HEADLINES, READING } from './words.ts';

/** Bytes that the texts of all tasks may take together; the rest of the page is small beside them. */
const TEXT_BYTES = 3_800_000;
const TASK_BYTES = 300_000;

/**
 * One page that needs nothing else: no request leaves it, and its policy allows no style or script but
 * its own two. Answers and test names come from a model, so that they are only ever text in it.
 * Long answers are cut so that the page of 100 tasks stays below 5 MB.
 */
export function toHtml({ report, tasks }: ReportDetails): string {
  const pairs = pairTasks(report);
  const find = detailsFinder(tasks);
  const anchor = (pair: TaskPair): string => `task-${pairs.indexOf(pair)}`;
  const maxBytes = Math.min(TASK_BYTES, Math.floor(TEXT_BYTES / Math.max(1, pairs.length)));
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
          ${HEADLINES[report.verdict.state]}: ${report.candidate.id} against ${report.reference.id}
        </title>
        ${element('style', STYLE)}
      </head>
      <body>
        <header class="top">
          <span class="brand">aqe-llm <span>baseline</span></span
          ><button class="tool" id="theme" type="button" hidden>Light / dark</button>
        </header>
        <main>
          <h1>${report.candidate.id} against ${report.reference.id}</h1>
          <p class="muted">${intro(report, pairs.length)}</p>
          ${banner(report)} ${tiles(report)}
          <h2>Score of each task</h2>
          <div class="card">
            <div class="legend">
              <span><i></i>candidate: ${report.candidate.id}</span
              ><span><i class="ring"></i>reference: ${report.reference.id}</span>
            </div>
            ${scoreChart(pairs, anchor)}
          </div>
          <h2>Means by category and complexity</h2>
          ${groupTable(report, pairs)}
          <h2>All tasks</h2>
          ${inCategories(pairs).map(
            ({ category, members }) =>
              html`<h3 class="category">${category}</h3>
                ${taskTable(category, members, anchor)}`,
          )}
          <div class="bar-row">
            <h2>Task by task</h2>
            <div>
              <button class="tool" type="button" data-open="yes" hidden>Open all</button
              ><button class="tool" type="button" data-open="no" hidden>Close all</button>
            </div>
          </div>
          ${pairs.map((pair) => taskSection(pair, find(pair.candidate), anchor(pair), maxBytes))}
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

function intro({ run, candidate, reference }: BaselineReport, count: number): string {
  return `${candidate.id} answered ${plural(count, 'task')} of the suite ${run.suite}. Each answer was graded by running it in a sandbox (${run.sandbox}) or against measured truth. The scores are set against those of ${reference.id} on the same tasks.`;
}

function runFacts({ run }: BaselineReport): Markup {
  const facts = {
    run: run.id,
    started: run.startedAt,
    suite: `${run.suite} ${run.suiteHash}`,
    seed: String(run.seed),
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

function detailsFinder(
  tasks: readonly TaskDetails[],
): (task: { id: string; repeat: number }) => TaskDetails | undefined {
  const byRepeat = new Map(tasks.map((task) => [`${task.repeat} ${task.id}`, task]));
  return ({ id, repeat }) => byRepeat.get(`${repeat} ${id}`);
}

// Whole, since the policy names the hash of every character between the tags.
function element(name: 'style' | 'script', content: string): Markup {
  return written(`<${name}>${content}</${name}>`);
}

function hash(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
