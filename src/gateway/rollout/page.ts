import { createHash } from 'node:crypto';
import { html, render, written } from '../../quality/reports/html/markup.ts';
import { STYLE as LOOK } from '../../quality/reports/html/style.ts';
import { SCRIPT } from './script.ts';

const STYLE = `${LOOK}
.banner{grid-template-columns:minmax(0,1fr)}.banner.shadow{--state:var(--inconclusive)}.banner.canary{--state:var(--cand)}.banner.paused{--state:var(--marginal)}.banner.completed{--state:var(--pass)}.banner.rolled_back{--state:var(--fail)}.banner.none,.banner.draft,.banner.aborted{--state:var(--muted)}.banner.unreadable{--state:var(--fail)}
.ladder{list-style:none;display:grid;grid-auto-flow:column;grid-auto-columns:1fr;gap:10px;margin:16px 0 0;padding:0}
.ladder li{background:var(--card);border:1px solid var(--line);border-top:5px solid var(--line);border-radius:10px;padding:10px 14px}
.ladder li.done{border-top-color:var(--pass)}.ladder li.here{border-color:var(--cand);border-top-color:var(--cand)}
.ladder b{display:block;font-size:20px;font-variant-numeric:tabular-nums}.ladder small{color:var(--muted)}
.needs{list-style:none;margin:0;padding:0}.needs li{display:grid;grid-template-columns:24px minmax(0,1fr);padding:4px 0;overflow-wrap:anywhere}
.needs b{font-weight:700}.needs .ok b{color:var(--pass)}.needs .open b{color:var(--marginal)}.needs .harm b{color:var(--fail)}
.meter{height:8px;background:var(--line);border-radius:4px;overflow:hidden;margin:9px 0 4px}.meter i{display:block;height:100%;background:var(--cand);border-radius:4px}.meter.near i{background:var(--marginal)}.meter.full i{background:var(--fail)}
.plot svg{display:block;width:100%;height:auto}.plot text{fill:var(--muted);font-size:12px}.grid{stroke:var(--line);stroke-width:1}
.limit{stroke:var(--fail);stroke-width:1.5;stroke-dasharray:5 4}.plot text.limit-label{fill:var(--fail);font-weight:650}.band{fill:var(--cand);opacity:.16}.ratio-line{fill:none;stroke:var(--cand);stroke-width:2.5;stroke-linejoin:round}.edge{fill:none;stroke:var(--cand);stroke-width:1.2;opacity:.7}
.sides{color:var(--muted);margin:6px 0 0}#ask{max-width:460px;margin:48px auto}#ask input{font:inherit;width:100%;padding:8px 12px;border:1px solid var(--line);border-radius:8px;background:var(--card);color:var(--text);margin:6px 0 12px}
[hidden]{display:none!important}.move{margin:0;padding-left:18px}.move li{margin:5px 0}#stale{color:var(--fail)}
@media (max-width:760px){.ladder{grid-auto-flow:row}}`;

/** One page that loads nothing but what it shows, and runs no script but its own. */
export const PAGE = `${render(
  html`${written('<!doctype html>')}
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>Rollout</title>
        ${written(`<style>${STYLE}</style>`)}
      </head>
      <body>
        <header class="top">
          <span class="brand">aqe-llm <span>rollout</span></span>
          <span class="muted"
            ><span id="stale" hidden>no answer · </span><span id="at"></span
          ></span>
        </header>
        <main>
          <form id="ask" class="card" hidden>
            <label for="key">The gateway's key</label>
            <input id="key" type="password" autocomplete="off" />
            <button class="tool">Show the rollout</button>
            <p id="refused" class="error" hidden>That is not its key.</p>
          </form>
          <div id="shown" hidden>
            <section id="banner" class="banner" aria-live="polite">
              <div>
                <strong id="word" class="word"></strong>
                <h1 id="lead" class="lead"></h1>
                <p id="sides" class="sides"></p>
              </div>
            </section>
            <ol id="ladder" class="ladder" aria-label="Steps of the plan"></ol>
            <div id="evidence">
              <h2>Evidence of this share</h2>
              <div class="two">
                <figure class="card plot">
                  <div id="plot"></div>
                  <figcaption id="caption"></figcaption>
                </figure>
                <div class="card"><ul id="needs" class="needs"></ul></div>
              </div>
              <h2>How near it is to going back</h2>
              <dl id="guardrails" class="tiles"></dl>
              <h2>What would move it</h2>
              <div class="card"><ul id="triggers" class="move"></ul></div>
            </div>
            <div id="logged">
              <h2>What happened</h2>
              <div class="scroll">
                <table>
                  <thead>
                    <tr>
                      <th>#</th>
                      <th>when</th>
                      <th>who</th>
                      <th>what</th>
                      <th>why</th>
                    </tr>
                  </thead>
                  <tbody id="log"></tbody>
                </table>
              </div>
            </div>
          </div>
          <noscript>This page needs its script: aqe-llm rollout status shows the same.</noscript>
        </main>
        <footer id="foot"></footer>
        ${written(`<script>${SCRIPT}</script>`)}
      </body>
    </html>`,
)}\n`;

export const POLICY = `default-src 'none'; style-src '${hash(STYLE)}'; script-src '${hash(SCRIPT)}'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

function hash(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
