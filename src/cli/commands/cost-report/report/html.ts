import { createHash } from 'node:crypto';
import type {
  Advice,
  CostReport,
  Dimension,
  Figures,
  Machine,
} from '../../../../ledger/report/result.ts';
import { isPeriod } from '../../../../ledger/report/rows.ts';
import {
  html,
  NOTHING,
  render,
  within,
  written,
  type Markup,
} from '../../../../quality/reports/html/markup.ts';
import { STYLE as LOOK } from '../../../../quality/reports/html/style.ts';
import { costTrend, savedTrend, splitChart } from './charts.ts';
import {
  basisText,
  formatBilled,
  formatCount,
  formatRange,
  formatShare,
  formatUsd,
  negated,
  partOf,
} from './words.ts';
import { budgetText, roiText } from './summary.ts';

const STYLE = `${LOOK}
.banner{grid-template-columns:minmax(0,1fr)}.banner.neutral{--state:var(--cand)}
.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,460px),1fr));gap:14px;margin:14px 0}.plots.thirds{grid-template-columns:repeat(auto-fill,minmax(min(100%,330px),1fr))}
.tiles{grid-template-columns:repeat(3,minmax(0,1fr))}
.plot{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:16px 18px;min-width:0}
.plot figcaption{color:var(--text);font-weight:600;text-align:left;margin-bottom:6px}
.plot>svg{display:block;width:100%;height:auto}.plot text{fill:var(--muted);font-size:13px}.grid{stroke:var(--line);stroke-width:1}.zero{stroke:var(--muted);stroke-width:1.2}
.legend i.tint-a{background:var(--cand)}.legend i.tint-b{background:var(--marginal)}.legend i.tint-c{background:var(--pass)}.legend i.tint-band{background:var(--pass);opacity:.28}
.bar-a{fill:var(--cand)}.bar-b{fill:var(--marginal)}
.band{fill:var(--pass);opacity:.2}.whisker{stroke:var(--pass);stroke-width:3;opacity:.5}.line-c{fill:none;stroke:var(--pass);stroke-width:2.5;stroke-linejoin:round}.dot-c{fill:var(--pass)}
.split dl{margin:0}.split dl div{padding:4px 0}.split dt{font-size:13.5px;overflow-wrap:anywhere}.split dd{margin:2px 0 0;display:flex;gap:12px;align-items:center;font-size:13.5px;color:var(--muted);font-variant-numeric:tabular-nums;white-space:nowrap}
.share{flex:1;height:12px;min-width:40px;border-radius:6px;overflow:hidden}
.advice{list-style:none;margin:0;padding:0}.advice li{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:14px 18px;margin:0 0 10px;break-inside:avoid;overflow-wrap:anywhere}
.advice h3{color:var(--text);font-size:15px;margin:0 0 4px}.advice p{margin:4px 0}.advice .worth{color:var(--pass);font-weight:650}
tbody th.when{min-width:80px;white-space:nowrap}
tfoot th,tfoot td{border-top:2px solid var(--line);border-bottom:0;font-weight:650}
.notes li{margin:4px 0;overflow-wrap:anywhere}
@media (max-width:760px){.tiles{grid-template-columns:1fr 1fr}.plot>svg text{font-size:21px}.tiles .tile:last-child{grid-column:1/-1}}
@media print{.plots{grid-template-columns:1fr 1fr}.plots.thirds{grid-template-columns:1fr 1fr 1fr}.tiles{grid-template-columns:repeat(3,1fr)}.tiles .tile:last-child{grid-column:auto}.plot{break-inside:avoid}h2{break-after:avoid;margin-top:22px}thead{display:table-header-group}tr,.advice li{break-inside:avoid}body{font-size:9.5pt}.scroll{break-inside:auto}tfoot{display:table-row-group}table{font-size:7.5pt}th,td,thead th{padding:3px 5px;font-size:7.5pt}tbody th{min-width:88px}tbody th.when{min-width:52px}}`;

/** HTML of rows beyond this is left out; CSV has all. */
const MOST_BYTES = 1_500_000;

/** One page that needs nothing else, and allows no style but its own. Light or dark as the reader's system is. */
export function toHtml(report: CostReport): string {
  const { total, budget, savings, machines, advice, notes, roi } = report;
  const isEmpty = isNothing(total);
  const days = `${report.since.slice(0, 10)} to ${report.until.slice(0, 16).replace('T', ' ')}`;
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
        <title>Cost, ${days}</title>
        ${written(`<style>${STYLE}</style>`)}
      </head>
      <body>
        <header class="top">
          <span class="brand">aqe-llm <span>cost-report</span></span
          ><span class="muted">${days}, ${report.timezone}</span>
        </header>
        <main>
          ${banner(report)}
          <dl class="tiles">
            ${tile('Billed', formatUsd(total.usd), total.unpriced > 0 ? `and ${formatCount(total.unpriced)} attempts of unknown cost` : `${formatCount(total.attempts)} attempts`)}
            ${tile('Own machines', formatUsd(total.hardwareUsd), total.hardwareUsd === null ? 'no figures given' : `${formatShare(shareOf(total))} of all`)}
            ${tile('Tokens', formatCount(total.outputTokens), `written, for ${formatCount(total.inputTokens)} fresh and ${formatCount(total.cacheReadTokens)} cached of prompts`)}
          </dl>
          ${isEmpty ? NOTHING : charts(report)}
          ${savings.state === 'estimated' ? html`<p class="muted">${basisText(savings)}</p>` : NOTHING}
          ${
            machines.length === 0 || isEmpty
              ? NOTHING
              : html`<h2>Machines of one’s own</h2>
                  ${machinesTable(machines)}`
          }
          ${
            roi === null
              ? NOTHING
              : html`<h2>Return</h2>
                  <div class="card"><p>${roiText(roi)}</p></div>`
          }
          ${
            budget === null
              ? NOTHING
              : html`<h2>Budget</h2>
                  <div class="card"><p>${budgetText(budget)}</p></div>`
          }
          ${
            advice.length === 0
              ? NOTHING
              : html`<h2>What to change</h2>
                  <ul class="advice">
                    ${advice.map(adviceItem)}
                  </ul>`
          }
          ${isEmpty ? NOTHING : rowsTable(report)}
          ${
            notes.length === 0
              ? NOTHING
              : html`<h2>Not in the figures</h2>
                  <ul class="notes">
                    ${notes.map(({ message }) => html`<li>${message}</li>`)}
                  </ul>`
          }
        </main>
        <footer>
          <ul>
            <li>
              Billed is what providers charge by their prices when it was asked; savings are never
              part of it.
            </li>
            <li>Each end of an interval holds with 95 %, where its ratio was measured.</li>
          </ul>
          <p>aqe-llm, ${report.generatedAt}</p>
        </footer>
      </body>
    </html>`;
  return `${render(page)}\n`;
}

function charts({ trend, split, savings }: CostReport): Markup {
  return html`<div class="plots">
      ${costTrend(trend)}${savings.state === 'estimated' ? savedTrend(trend) : NOTHING}
    </div>
    <div class="plots thirds">
      ${splitChart('By model', split.model)}${splitChart('By purpose', split.purpose)}${splitChart('By tier', split.tier)}
    </div>`;
}

/** No attempt, and no machine that cost anything. */
function isNothing({ attempts, hardwareUsd }: Figures): boolean {
  return attempts === 0 && (hardwareUsd ?? 0) === 0;
}

function banner({ savings, budget, total }: CostReport): Markup {
  if (budget?.over === true) {
    return bannerOf(
      'fail',
      'OVER BUDGET',
      `${formatUsd(budget.spentUsd)} of ${formatUsd(budget.limitUsd)} a ${budget.unit} are billed in ${budget.period}.`,
    );
  }
  if (isNothing(total)) {
    return bannerOf('neutral', formatUsd(0), 'Nothing was asked in this time.');
  }
  if (savings.state === 'unknown') {
    return bannerOf('neutral', formatUsd(total.usd), `billed. ${savings.why}`);
  }
  const { savedUsd, savedShare, allClaudeUsd, actualUsd, basis } = savings;
  const costs = `Claude alone would have cost ${formatRange(allClaudeUsd)}; this cost ${formatUsd(actualUsd)}.`;
  const assumed = basis === 'assumed' ? ' The interval is assumed, not measured.' : '';
  if (savedUsd.upper < 0) {
    return bannerOf('fail', `${formatRange(negated(savedUsd))} more`, `${costs}${assumed}`);
  }
  const less =
    savedShare === null
      ? ''
      : ` That is ${formatShare(savedShare.lower)} to ${formatShare(savedShare.upper)} less.`;
  return bannerOf(
    savedUsd.lower > 0 ? 'pass' : 'inconclusive',
    `${formatRange(savedUsd)} saved`,
    `${costs}${less}${assumed}`,
  );
}

function bannerOf(state: string, word: string, lead: string): Markup {
  return html`<section class="banner ${state}" aria-label="Summary">
    <div>
      <strong class="word">${word}</strong>
      <p class="lead">${lead}</p>
    </div>
  </section>`;
}

function tile(name: string, big: string, small: string): Markup {
  return html`<div class="tile">
    <dt>${name}</dt>
    <dd><span class="big">${big}</span><small>${small}</small></dd>
  </div>`;
}

function machinesTable(machines: readonly Machine[]): Markup {
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th>Machine</th>
          <th class="num">an hour</th>
          <th class="num">this time</th>
          <th class="num">at work</th>
          <th class="num">utilisation</th>
          <th class="num">a million output tokens</th>
          <th class="num">at full load</th>
          <th class="num">Claude</th>
          <th class="num">break-even a month</th>
        </tr>
      </thead>
      <tbody>
        ${machines.map(
          (it) =>
            html`<tr>
              <th>${it.name}</th>
              <td class="num">${formatUsd(it.usdPerHour)}</td>
              <td class="num">${formatUsd(it.usd)}</td>
              <td class="num">${formatShare(it.busyShare)}</td>
              <td class="num">${formatShare(it.utilisation)}</td>
              <td class="num">${formatUsd(it.usdPerMTok)}</td>
              <td class="num">${formatUsd(it.usdPerMTokAtFullLoad)}</td>
              <td class="num">${formatUsd(it.claudeUsdPerMTok)}</td>
              <td class="num">
                ${it.breakEvenMTokPerMonth === null ? '–' : `${it.breakEvenMTokPerMonth.toFixed(1)} MTok`}${it.breakEvenUtilisation === null ? '' : ` (${formatShare(it.breakEvenUtilisation)})`}
              </td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function adviceItem({
  title,
  detail,
  action,
  savedPerMonthUsd: saved,
  effort,
  evidence,
}: Advice): Markup {
  return html`<li>
    <h3>${title}</h3>
    <p>
      ${saved === null ? NOTHING : html`<span class="worth">${formatRange(saved)} a month</span> · `}
      <span class="chip">effort ${effort}</span><span class="chip">${evidence.rows} attempts</span>
    </p>
    <p>${detail}</p>
    <p><b>${action}</b></p>
    ${evidence.examples.length === 0 ? NOTHING : html`<p class="muted">For example <code>${evidence.examples.join(', ')}</code></p>`}
  </li>`;
}

function rowsTable(report: CostReport): Markup {
  const by: readonly Dimension[] = report.by;
  if (by.length === 0) return NOTHING;
  const columns = COLUMNS.filter(({ isEmpty }) => isEmpty?.(report.total) !== true);
  const { shown, omitted } = within(
    report.rows,
    MOST_BYTES,
    (row) =>
      html`<tr>
        ${by.map((dimension) => html`<th class="${isPeriod(dimension) ? 'when' : 'what'}">${partOf(row, dimension)}</th>`)}${figureCells(row, columns)}
      </tr>`,
  );
  return html`<h2>By ${by.join(' and ')}</h2>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            ${by.map((dimension) => html`<th>${dimension}</th>`)}${columns.map(({ head }) => html`<th class="num">${head}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${shown}
        </tbody>
        <tfoot>
          <tr>
            ${by.map((_, index) => html`<th>${index === 0 ? 'all' : ''}</th>`)}${figureCells(report.total, columns)}
          </tr>
        </tfoot>
      </table>
    </div>
    ${omitted > 0 ? html`<p class="muted">${formatCount(omitted)} more rows: --format csv has all.</p>` : NOTHING}`;
}

interface Column {
  head: string;
  cell: (of: Figures) => string;
  /** Left out where all of it is nothing. */
  isEmpty?: (total: Figures) => boolean;
}

const COLUMNS: readonly Column[] = [
  { head: 'attempts', cell: (of) => formatCount(of.attempts) },
  { head: 'input', cell: (of) => formatCount(of.inputTokens) },
  {
    head: 'cache read',
    cell: (of) => formatCount(of.cacheReadTokens),
    isEmpty: ({ cacheReadTokens }) => cacheReadTokens === 0,
  },
  {
    head: 'write 5 min',
    cell: (of) => formatCount(of.cacheWriteTokens),
    isEmpty: ({ cacheWriteTokens }) => cacheWriteTokens === 0,
  },
  {
    head: 'write 1 h',
    cell: (of) => formatCount(of.cacheWriteHourTokens),
    isEmpty: ({ cacheWriteHourTokens }) => cacheWriteHourTokens === 0,
  },
  { head: 'output', cell: (of) => formatCount(of.outputTokens) },
  {
    head: 'own machines',
    cell: (of) => formatUsd(of.hardwareUsd),
    isEmpty: ({ hardwareUsd }) => hardwareUsd === null,
  },
  { head: 'billed', cell: formatBilled },
];

function figureCells(of: Figures, columns: readonly Column[]): Markup[] {
  return columns.map(({ cell }) => html`<td class="num">${cell(of)}</td>`);
}

function shareOf({ usd, hardwareUsd }: Figures): number | null {
  const all = usd + (hardwareUsd ?? 0);
  return all === 0 ? null : (hardwareUsd ?? 0) / all;
}

function hash(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
