import { tellingOf } from '../../kinds/tellings.ts';
import type { Tally } from '../../kinds/telling.ts';
import type { CandidateReport, Category, SideReport } from '../../result.ts';
import {
  clip,
  formatDifference,
  formatMean,
  formatMs,
  formatRate,
  formatRatio,
  formatScore,
  formatTally,
  formatUsd,
  NONE,
  plural,
} from '../format.ts';
import { byComplexity, differenceOf, marksOf, scoreOf, tallyOf } from '../pairs.ts';
import type { TaskPair } from '../pairs.ts';
import {
  boundsOf,
  HEADLINES,
  powerLines,
  provenance,
  strictLine,
  verdictSentence,
} from '../words.ts';
import { ratioChart } from './charts.ts';
import { html, NOTHING } from './markup.ts';
import type { Insertion, Markup } from './markup.ts';
import { markChip } from './task-section.ts';

/** The verdict, why, and the ratio drawn. */
export function banner(candidate: CandidateReport, reference: SideReport): Markup {
  const { verdict } = candidate;
  const chart =
    verdict.ratio === null
      ? html`<p class="muted">There is no ratio to draw.</p>`
      : html`<figure>
          ${ratioChart(verdict)}
          <figcaption>Candidate’s mean score over the reference’s, with 95 % bounds</figcaption>
        </figure>`;
  return html`<section class="banner ${verdict.state}" aria-label="Verdict">
    <div>
      <strong class="word">${HEADLINES[verdict.state]}</strong>
      <p class="lead">${verdictSentence(candidate, reference)}</p>
      ${
        verdict.reasons.length === 0
          ? NOTHING
          : html`<ul>
              ${verdict.reasons.slice(0, 20).map((reason) => html`<li>${clip(reason, 500)}</li>`)}
            </ul>`
      }
      <p class="strict">${[strictLine(verdict), ...powerLines(verdict.power)].join('. ')}.</p>
    </div>
    ${chart}
  </section>`;
}

/** The figures of both sides. */
export function tiles(candidate: CandidateReport, reference: SideReport): Markup {
  const { verdict } = candidate;
  const against = (value: string): string => `reference ${value}`;
  return html`<dl class="tiles">
    ${[
      tile('Mean score, 0–10', formatMean(candidate.meanScore), [
        against(formatMean(reference.meanScore)),
      ]),
      tile('Ratio to the reference', formatRatio(verdict.ratio), [
        `95 % bounds ${boundsOf(verdict)}`,
      ]),
      tile('Latency P50', formatMs(candidate.latencyMs.p50), [
        `P95 ${formatMs(candidate.latencyMs.p95)} · P99 ${formatMs(candidate.latencyMs.p99)}`,
        provenance(candidate.latencyMs),
        ...sideTime(reference),
      ]),
      tile('First token P50', formatMs(candidate.ttftMs.p50), [
        `P95 ${formatMs(candidate.ttftMs.p95)}`,
        provenance(candidate.ttftMs),
      ]),
      tile('Tokens per second', formatRate(candidate.tokensPerSecond), [
        against(formatRate(reference.tokensPerSecond)),
      ]),
      tile('Score per 1,000 output tokens', formatMean(candidate.scorePer1kOutputTokens), [
        against(formatMean(reference.scorePer1kOutputTokens)),
      ]),
      tile('Cost', formatUsd(candidate.costUsd), [against(formatUsd(reference.costUsd))]),
      tile('Tasks graded', formatTally(gradedTally(candidate)), [
        plural(candidate.errorRetries, 'retry', 'retries'),
        against(formatTally(gradedTally(reference))),
      ]),
    ]}
  </dl>`;
}

function gradedTally({ tasks }: SideReport): Tally {
  return { done: tasks.filter(({ state }) => state === 'graded').length, total: tasks.length };
}

function sideTime({ latencyMs }: SideReport): string[] {
  return latencyMs.measured === 0 ? [] : [`reference P50 ${formatMs(latencyMs.p50)}`];
}

function tile(name: string, value: string, notes: readonly string[]): Markup {
  return html`<div class="tile">
    <dt>${name}</dt>
    <dd><span class="big">${value}</span>${notes.map((note) => html`<small>${note}</small>`)}</dd>
  </div>`;
}

/** Means by category, with bounds, and by complexity. */
export function groupTable({ categories }: CandidateReport, pairs: readonly TaskPair[]): Markup {
  const groups = [
    ...categories.map((each) => ({
      ...each,
      name: each.category,
      candidate: each.candidateMean,
      reference: each.referenceMean,
      bounds: boundsOf(each),
    })),
    ...byComplexity(pairs).map((each) => ({ ...each, bounds: NONE, threshold: null })),
  ];
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th scope="col">Group</th>
          <th scope="col" class="num">Tasks compared</th>
          <th scope="col" class="num">Candidate</th>
          <th scope="col" class="num">Reference</th>
          <th scope="col" class="num">Ratio</th>
          <th scope="col" class="num">95 % bounds</th>
          <th scope="col" class="num">Asked</th>
        </tr>
      </thead>
      <tbody>
        ${groups.map(
          (group) =>
            html`<tr>
              <th scope="row">${group.name}</th>
              <td class="num">${group.compared} of ${group.tasks}</td>
              <td class="num">${formatMean(group.candidate)}</td>
              <td class="num">${formatMean(group.reference)}</td>
              <td class="num">${formatRatio(group.ratio)}</td>
              <td class="num">${group.bounds}</td>
              <td class="num">${formatRatio(group.threshold)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

interface Heading {
  name: string;
  kind: 'text' | 'ranked' | 'number';
}

function headingsOf(category: Category): Heading[] {
  return [
    { name: 'Task', kind: 'text' },
    { name: 'Complexity', kind: 'ranked' },
    { name: 'Candidate', kind: 'number' },
    { name: 'Reference', kind: 'number' },
    { name: 'Difference', kind: 'number' },
    ...tellingOf(category).tallies.map(({ name }): Heading => ({
      name: `${name.charAt(0).toUpperCase()}${name.slice(1)}`,
      kind: 'number',
    })),
    { name: 'Latency', kind: 'number' },
    { name: 'Notes', kind: 'text' },
  ];
}

const ORDER = { simple: 1, moderate: 2, complex: 3 } as const;

/** A row per task of one category, sortable by each column. */
export function taskTable(
  category: Category,
  pairs: readonly TaskPair[],
  anchor: (pair: TaskPair) => string,
): Markup {
  const head = headingsOf(category).map(
    ({ name, kind }) =>
      html`<th scope="col" class="${kind === 'number' ? 'num' : ''}" data-sort="${kind}">
        <button type="button">${name}</button>
      </th>`,
  );
  return html`<div
    class="scroll"
    tabindex="0"
    role="region"
    aria-label="Scores by task: ${category}"
  >
    <table>
      <thead>
        <tr>
          ${head}
        </tr>
      </thead>
      <tbody>
        ${pairs.map((pair) => row(pair, anchor(pair)))}
      </tbody>
    </table>
  </div>`;
}

function row(pair: TaskPair, anchor: string): Markup {
  const { candidate } = pair;
  const tallies = tellingOf(candidate.category).tallies.map((column) => tallyOf(candidate, column));
  const share = (tally: Tally | null): number | null =>
    tally === null || tally.total === 0 ? null : tally.done / tally.total;
  const difference = differenceOf(pair);
  const timed = candidate.state === 'graded' && !candidate.replayed ? candidate.latencyMs : null;
  const marks = marksOf(candidate, { replayed: false });
  return html`<tr>
    <th scope="row"><a href="#${anchor}">${pair.label}</a></th>
    <td data-value="${ORDER[candidate.complexity]}">${candidate.complexity}</td>
    ${cell(scoreOf(candidate), formatScore(scoreOf(candidate)))}${cell(scoreOf(pair.reference), formatScore(scoreOf(pair.reference)))}${cell(difference, formatDifference(scoreOf(candidate), scoreOf(pair.reference)))}${tallies.map((tally) => cell(share(tally), formatTally(tally)))}${cell(timed, timed === null && candidate.state === 'graded' ? 'cached' : formatMs(timed))}
    <td>${marks.length === 0 ? NONE : marks.map(markChip)}</td>
  </tr>`;
}

function cell(value: number | null, shown: Insertion): Markup {
  return html`<td class="num" data-value="${value ?? ''}">${shown}</td>`;
}
