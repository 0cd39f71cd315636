import { createHash } from 'node:crypto';
import { formatMs } from '../../../../quality/reports/format.ts';
import { html, NOTHING, render, written } from '../../../../quality/reports/html/markup.ts';
import type { Markup } from '../../../../quality/reports/html/markup.ts';
import { STYLE as LOOK } from '../../../../quality/reports/html/style.ts';
import { labelOf } from '../../../../serving/compare.ts';
import type { Load, ServeReport, TargetReport, VerdictState } from '../../../../serving/result.ts';
import { lineChart, type Series } from './charts.ts';
import {
  FIGURE_HEADS,
  figureCells,
  formatChange,
  hasUnsound,
  HEADLINES,
  MARKS,
  soakLines,
  titleOf,
  UNSOUND_NOTE,
} from './words.ts';

const STYLE = `${LOOK}
.banner{grid-template-columns:minmax(0,1fr)}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:14px;margin:14px 0}
.plot{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:16px 18px}
.plot figcaption{color:var(--text);font-weight:600;text-align:left;margin-bottom:6px}
.plot svg{display:block;width:100%;height:auto}.plot text{fill:var(--muted);font-size:12px}.grid{stroke:var(--line);stroke-width:1}
.legend i.tint-a{background:var(--cand)}.legend i.tint-b{background:var(--marginal)}.legend i.tint-c{background:var(--inconclusive)}
.line-a,.line-b,.line-c{fill:none;stroke-width:2.5;stroke-linejoin:round}
.line-a{stroke:var(--cand)}.line-b{stroke:var(--marginal)}.line-c{stroke:var(--inconclusive)}
.dot-a{fill:var(--cand)}.dot-b{fill:var(--marginal)}.dot-c{fill:var(--inconclusive)}
.checks{list-style:none;margin:0;padding:0}.checks li{display:grid;grid-template-columns:22px 110px minmax(0,1fr);gap:6px;padding:3px 0;overflow-wrap:anywhere}
.checks .ok b{color:var(--pass)}.checks .failed b{color:var(--fail)}.checks .warning b{color:var(--marginal)}
.checks small{display:block;color:var(--muted)}.sentence{font-size:17px;margin:14px 0}
.card pre{margin:0;white-space:pre-wrap}td.num,th.num{white-space:nowrap}`;

const STATE_CLASS: Record<VerdictState, string> = {
  ready: 'pass',
  'not-ready': 'fail',
  'slo-missed': 'fail',
  'too-few': 'inconclusive',
};

/** One page that needs nothing else, and allows no style but its own. Light or dark as the reader's system is. */
export function toHtml(report: ServeReport): string {
  const { verdict, check } = report;
  const page = html`${written('<!doctype html>')}
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src '${hash(STYLE)}'; base-uri 'none'; form-action 'none'"
        />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="referrer" content="no-referrer" />
        <title>${HEADLINES[verdict.state]}: serve-check of ${check.startedAt}</title>
        ${written(`<style>${STYLE}</style>`)}
      </head>
      <body>
        <header class="top">
          <span class="brand">aqe-llm <span>serve-check</span></span>
        </header>
        <main>
          <section class="banner ${STATE_CLASS[verdict.state]}" aria-label="Verdict">
            <div>
              <strong class="word">${HEADLINES[verdict.state]}</strong>
              ${
                verdict.reasons.length === 0
                  ? NOTHING
                  : html`<ul>
                      ${verdict.reasons.map((reason) => html`<li>${reason}</li>`)}
                    </ul>`
              }
            </div>
          </section>
          ${report.targets.map(section)}
        </main>
        <footer>
          <h2>How to read it</h2>
          <ul>
            <li>
              TTFT is the time to the first piece of text, E2E to the last, as the caller sees it.
            </li>
            <li>
              TPOT is (E2E − TTFT) ÷ (output tokens − 1), with the tokens that the server counts.
            </li>
            <li>
              Answers had at most ${check.maxTokens} tokens; no two prompts begin alike; warm-up
              does not count.
            </li>
            ${hasUnsound(report) ? html`<li>${UNSOUND_NOTE}</li>` : NOTHING}
          </ul>
          <p>
            aqe-llm ${check.version}, ${check.startedAt}, check ${check.id}, measured from a machine
            with ${check.cores} cores
          </p>
        </footer>
      </body>
    </html>`;
  return `${render(page)}\n`;
}

function section(target: TargetReport): Markup {
  const { load } = target;
  return html`<h2>${titleOf(target)}</h2>
    <div class="card">
      <ul class="checks">
        ${target.checks.map(
          ({ id, state, detail, hint }) =>
            html`<li class="${state}">
              <b>${MARKS[state]}</b><span class="muted">${id}</span
              ><span>${detail}${hint === undefined ? NOTHING : html`<small>${hint}</small>`}</span>
            </li>`,
        )}
      </ul>
    </div>
    ${load.state === 'skipped' ? html`<p class="muted">Load: ${load.reason}.</p>` : loadSection(load)}`;
}

const THROUGHPUT: readonly Series[] = [
  { name: 'all requests together', tint: 'a', value: (step) => step.outputTokensPerSecond },
  { name: 'each request', tint: 'b', value: (step) => step.outputTokensPerSecondPerUser },
];
const TTFT: readonly Series[] = [
  { name: 'P50', tint: 'a', value: (step) => step.ttftMs.p50 },
  { name: 'P95', tint: 'b', value: (step) => step.ttftMs.p95 },
  { name: 'P99', tint: 'c', value: (step) => step.ttftMs.p99 },
];
const E2E: readonly Series[] = [
  { name: 'P50', tint: 'a', value: (step) => step.e2eMs.p50 },
  { name: 'P95', tint: 'b', value: (step) => step.e2eMs.p95 },
  { name: 'P99', tint: 'c', value: (step) => step.e2eMs.p99 },
];
const TPOT: readonly Series[] = [
  { name: 'P50', tint: 'a', value: (step) => step.tpotMs.p50 },
  { name: 'P95', tint: 'b', value: (step) => step.tpotMs.p95 },
];

function loadSection({
  steps,
  soak,
  diagnosis,
  change,
}: Extract<Load, { state: 'measured' }>): Markup {
  return html`<p class="sentence">${diagnosis.sentence}</p>
    <div class="plots">
      ${lineChart(steps, THROUGHPUT, (value) => value.toFixed(0), 'Output tokens per second')}
      ${lineChart(steps, TTFT, formatMs, 'Time to the first token')}
      ${lineChart(steps, E2E, formatMs, 'Time to the whole answer')}
      ${lineChart(steps, TPOT, formatMs, 'Time per output token')}
    </div>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>load</th>
            ${FIGURE_HEADS.map((head) => html`<th class="num">${head}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${steps.map(
            (step) =>
              html`<tr>
                <th>${labelOf(step.arrivals)}</th>
                ${figureCells(step).map((cell) => html`<td class="num">${cell}</td>`)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${
      change === null
        ? NOTHING
        : html`<h3>Since the check of ${change.since}</h3>
            <ul class="facts">
              ${change.steps.map(
                (step) =>
                  html`<li>
                    ${labelOf(step.arrivals)}: TTFT P95 ${formatChange(step.ttftP95)}, E2E P95
                    ${formatChange(step.e2eP95)}, tokens/s
                    ${formatChange(step.outputTokensPerSecond)}
                  </li>`,
              )}
            </ul>`
    }
    ${
      soak === null
        ? NOTHING
        : html`<h3>Soak</h3>
            <div class="card"><pre>${soakLines(soak).join('\n')}</pre></div>`
    }`;
}

function hash(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
