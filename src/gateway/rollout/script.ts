/** Draws what `/v1/rollout` says, every two seconds. All text goes in as text, never as markup. */
export const SCRIPT = String.raw`'use strict';
const EVERY_MS = 2000;
const byId = (id) => document.getElementById(id);
const show = (id, on) => { byId(id).hidden = !on; };
const fill = (id, nodes) => byId(id).replaceChildren(...nodes);
function el(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}
function svg(name, attributes, ...children) {
  const node = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}
const percent = (share) => share === null || share === undefined ? '–' : Number((share * 100).toFixed(1)) + ' %';
const time = (at) => new Date(at).toLocaleString();
const WORDS = { none: 'No rollout', draft: 'Draft', shadow: 'Shadow', canary: 'Canary', paused: 'Paused', completed: 'Completed', rolled_back: 'Rolled back', aborted: 'Aborted', unreadable: 'Log edited' };

function lead(rollout) {
  const { state, serve, plan, complete } = rollout;
  switch (state) {
    case 'none': return 'Nothing is moved. Begin with: aqe-llm rollout start';
    case 'unreadable': return rollout.problem + ' The candidate gets nothing until it is whole.';
    case 'draft': return plan.name + ': written down, not begun.';
    case 'shadow': return plan.name + ': ' + plan.reference + ' answers everything, ' + plan.candidate + ' is compared with it.';
    case 'rolled_back': return plan.name + ': ' + (complete ? 'nobody but ' + plan.reference + ' is asked.' : 'everything in scope goes to ' + plan.reference + '.');
    case 'aborted': return plan.name + ': the configuration decides again.';
    default: return plan.name + ': ' + serve + ' % of units go to ' + plan.candidate + ', the rest to ' + plan.reference + '.';
  }
}

function drawLadder({ plan, step, state }) {
  const isBack = state === 'rolled_back' || state === 'aborted' || state === 'draft';
  return plan.steps.map(({ name, serve, compare }, index) => {
    const reached = !isBack && (index < step || (index === step && state === 'completed'));
    const kind = reached ? 'done' : !isBack && index === step ? 'here' : '';
    const item = el('li', { class: kind }, name, el('b', {}, serve + ' %'), el('small', {}, compare + ' % compared'));
    if (kind === 'here') item.setAttribute('aria-current', 'step');
    return item;
  });
}

function drawPlot({ checks, stage, evidence }) {
  const { limit, lower, upper, pairs } = evidence.quality;
  const points = checks.filter((check) => check.stage === stage.seq);
  const now = evidence.guardrails.find(({ id }) => id === 'quality');
  if (now.value !== undefined && (points.length === 0 || points.at(-1).pairs < pairs)) {
    points.push({ pairs, ratio: now.value, lower, upper });
  }
  const width = 560, height = 260, left = 48, right = 12, top = 12, bottom = 34;
  const least = Math.max(0, Math.min(0.7, limit - 0.3)), most = Math.max(1.2, limit + 0.25);
  const y = (value) => top + (height - top - bottom) * (1 - (Math.min(most, Math.max(least, value)) - least) / (most - least));
  const first = points.length === 0 ? 1 : points[0].pairs, last = Math.max(2 * first, pairs, 10);
  const x = (n) => left + (width - left - right) * (Math.log(Math.max(n, first)) - Math.log(first)) / (Math.log(last) - Math.log(first) || 1);
  const root = svg('svg', { viewBox: '0 0 ' + width + ' ' + height, role: 'img', 'aria-label': 'Bounds of quality by comparisons' });
  for (let value = Math.ceil(least * 10) / 10; value <= most + 1e-9; value += 0.1) {
    root.append(svg('line', { class: 'grid', x1: left, x2: width - right, y1: y(value), y2: y(value) }));
    root.append(svg('text', { x: left - 8, y: y(value) + 4, 'text-anchor': 'end' }, Math.round(value * 100) + ' %'));
  }
  if (points.length > 0) {
    const path = (list) => list.map(([n, value], index) => (index === 0 ? 'M' : 'L') + x(n).toFixed(1) + ' ' + y(value).toFixed(1)).join('');
    const lows = points.map((point) => [point.pairs, point.lower]);
    const highs = points.map((point) => [point.pairs, point.upper === null ? most : point.upper]);
    root.append(svg('path', { class: 'band', d: path([...lows, ...[...highs].reverse()]) + 'Z' }));
    root.append(svg('path', { class: 'edge', d: path(lows) }), svg('path', { class: 'edge', d: path(highs) }));
    root.append(svg('path', { class: 'ratio-line', d: path(points.map((point) => [point.pairs, point.ratio])) }));
    const end = points.at(-1);
    root.append(svg('circle', { class: 'cand', cx: x(end.pairs), cy: y(end.ratio), r: 4.5 }));
    for (const n of [...new Set([first, end.pairs])]) root.append(svg('text', { x: x(n), y: height - 12, 'text-anchor': n === first ? 'start' : 'end' }, n));
  }
  root.append(svg('line', { class: 'limit', x1: left, x2: width - right, y1: y(limit), y2: y(limit) }));
  root.append(svg('text', { class: 'limit-label', x: width - right, y: y(limit) - 6, 'text-anchor': 'end' }, percent(limit)));
  root.append(svg('text', { x: (left + width - right) / 2, y: height - 12, 'text-anchor': 'middle' }, 'comparisons'));
  return root;
}

function drawNeed({ id, what, met }, guardrails) {
  const guardrail = guardrails.find((it) => it.id === id);
  const harm = guardrail !== undefined && (guardrail.state === 'harm' || guardrail.state === 'hard');
  const [kind, mark] = harm ? ['harm', '✗'] : met ? ['ok', '✓'] : ['open', '–'];
  return el('li', { class: kind }, el('b', {}, mark), el('span', {}, what));
}

const NAMES = { quality: 'Quality, of the reference', errors: 'Calls that fail', latency: 'Answers that are too slow' };
function drawGuardrail({ id, value, limit, n, state, harm }) {
  const near = harm.at === null ? 1 : Math.min(1, Math.max(0, Math.log(Math.max(1, harm.e)) / Math.log(harm.at)));
  const bar = el('i', {});
  bar.style.width = (near * 100).toFixed(1) + '%';
  const asked = (id === 'quality' ? 'at least ' : 'at most ') + percent(limit) + ' · ' + n + ' observed';
  const proof = state === 'harm' || state === 'hard' ? 'harm is proven' : 'proof of harm ' + Math.round(near * 100) + ' %';
  return el('div', { class: 'tile' }, el('dt', {}, NAMES[id]),
    el('dd', {}, el('span', { class: 'big' }, percent(value)), el('small', {}, asked),
      el('div', { class: 'meter' + (near >= 1 ? ' full' : near > 0.5 ? ' near' : '') }, bar), el('small', {}, proof)));
}

function eventWords({ event }) {
  if (event.type === 'stepped-down') return 'stepped down to ' + event.serve + ' %' + (event.cautious ? ', cautious' : '');
  if (event.type === 'rolled-back') return event.complete ? 'rolled back completely' : 'rolled back';
  return event.type.replace('-', ' ');
}

function draw({ at, rollout }) {
  const { state, evidence } = rollout;
  byId('at').textContent = time(at);
  byId('banner').className = 'banner ' + state;
  byId('word').textContent = state === 'canary' || state === 'paused' ? WORDS[state] + ' ' + rollout.serve + ' %' : WORDS[state];
  byId('lead').textContent = lead(rollout);
  document.title = byId('word').textContent + ' – rollout';
  const isThere = rollout.id !== undefined;
  const reason = rollout.why ? 'Why: ' + rollout.why : '';
  byId('sides').textContent = isThere ? [reason, 'Rollout ' + rollout.id + ', this share since ' + time(rollout.stage.at)].filter(Boolean).join(' · ') : '';
  for (const id of ['ladder', 'logged']) show(id, isThere);
  show('evidence', evidence !== undefined);
  byId('foot').textContent = isThere ? 'The log has ' + rollout.entries + ' entries; its head is ' + rollout.head + '.' : '';
  if (!isThere) return;
  fill('ladder', drawLadder(rollout));
  fill('log', rollout.recent.map((entry) => el('tr', {}, ...[entry.seq, time(entry.at), entry.actor.replace(/^operator:/, ''), eventWords(entry), entry.reason].map((cell) => el('td', {}, String(cell))))));
  if (evidence === undefined) return;
  const { pairs, lower, upper } = evidence.quality;
  fill('plot', [drawPlot(rollout)]);
  byId('caption').textContent = 'Quality as a share of the reference’s: between ' + percent(lower) + ' and ' + (upper === null ? '∞' : percent(upper)) + ' after ' + pairs + ' comparisons';
  fill('needs', evidence.needs.map((need) => drawNeed(need, evidence.guardrails)));
  fill('guardrails', evidence.guardrails.map(drawGuardrail));
  fill('triggers', rollout.triggers.map((text) => el('li', {}, text)));
}

let key = sessionStorage.getItem('aqe-llm-key');
async function look() {
  const headers = key === null ? {} : { authorization: 'Bearer ' + key };
  try {
    const answer = await fetch('/v1/rollout', { headers });
    if (answer.status === 401) {
      show('refused', key !== null);
      key = null;
      sessionStorage.removeItem('aqe-llm-key');
      show('ask', true);
      show('shown', false);
      return;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    draw(await answer.json());
    show('ask', false);
    show('shown', true);
    show('stale', false);
  } catch {
    show('stale', true);
  }
  setTimeout(look, EVERY_MS);
}
byId('ask').addEventListener('submit', (event) => {
  event.preventDefault();
  key = byId('key').value.trim();
  byId('key').value = '';
  sessionStorage.setItem('aqe-llm-key', key);
  look();
});
look();
`;
