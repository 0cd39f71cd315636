import type { BaselineReport } from '../../result.ts';
import {
  formatMean,
  formatMs,
  formatRate,
  formatRatio,
  formatScore,
  formatUsd,
  NONE,
} from '../format.ts';
import { scoreOf, type TaskRow } from '../pairs.ts';
import { boundsOf, HEADLINES } from '../words.ts';
import { html } from './markup.ts';
import type { Markup } from './markup.ts';

/** All candidates against the one reference. */
export function candidateTable(
  { candidates, reference }: BaselineReport,
  anchor: (index: number) => string,
): Markup {
  const categories = candidates[0]?.categories.map(({ category }) => category) ?? [];
  const heads = [
    'Verdict',
    'Mean',
    'Ratio',
    '95 % bounds',
    ...categories,
    'P50',
    'Tokens/s',
    'Cost',
  ];
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Candidates">
    <table class="wrapped">
      <thead>
        <tr>
          <th scope="col">Candidate</th>
          ${heads.map(
            (head, index) => html`<th scope="col" class="${index === 0 ? '' : 'num'}">${head}</th>`,
          )}
        </tr>
      </thead>
      <tbody>
        ${candidates.map(
          (candidate, index) =>
            html`<tr>
              <th scope="row"><a href="#${anchor(index)}">#${index + 1} ${candidate.id}</a></th>
              <td>
                <span class="chip state ${candidate.verdict.state}"
                  >${HEADLINES[candidate.verdict.state]}</span
                >
              </td>
              ${[
                formatMean(candidate.meanScore),
                formatRatio(candidate.verdict.ratio),
                boundsOf(candidate.verdict),
                ...candidate.categories.map(({ ratio }) => formatRatio(ratio)),
                formatMs(candidate.latencyMs.p50),
                formatRate(candidate.tokensPerSecond),
                formatUsd(candidate.costUsd),
              ].map((cell) => html`<td class="num">${cell}</td>`)}
            </tr>`,
        )}
        <tr>
          <th scope="row">${reference.id}</th>
          <td>reference</td>
          ${[
            formatMean(reference.meanScore),
            NONE,
            NONE,
            ...categories.map(() => NONE),
            formatMs(reference.latencyMs.p50),
            formatRate(reference.tokensPerSecond),
            formatUsd(reference.costUsd),
          ].map((cell) => html`<td class="num">${cell}</td>`)}
        </tr>
      </tbody>
    </table>
  </div>`;
}

/** Scores of all candidates, a row per task of one category. */
export function scoreTable(rows: readonly TaskRow[], anchor: (row: TaskRow) => string): Markup {
  const count = rows[0]?.candidates.length ?? 0;
  const names = ['Reference', ...Array.from({ length: count }, (_, index) => `#${index + 1}`)];
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Scores by task">
    <table>
      <thead>
        <tr>
          <th scope="col" data-sort="text"><button type="button">Task</button></th>
          <th scope="col" data-sort="text"><button type="button">Complexity</button></th>
          ${names.map(
            (name) =>
              html`<th scope="col" class="num" data-sort="number">
                <button type="button">${name}</button>
              </th>`,
          )}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              <th scope="row"><a href="#${anchor(row)}">${row.label}</a></th>
              <td>${row.complexity}</td>
              ${[row.reference, ...row.candidates].map((result) => {
                const score = scoreOf(result);
                const shown = result?.state === 'error' ? 'error' : formatScore(score);
                return html`<td
                  class="num heat h${score === null ? 'x' : Math.round(score / 2)}"
                  data-value="${score ?? ''}"
                >
                  ${shown}
                </td>`;
              })}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
