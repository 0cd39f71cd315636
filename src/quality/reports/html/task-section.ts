import { groupBy } from '../../../core/group-by.ts';
import type { Exhibit } from '../../kinds/kind.ts';
import type { Item, LineNote } from '../../kinds/telling.ts';
import { tellingOf } from '../../kinds/tellings.ts';
import type { GradedTask, TaskResult } from '../../result.ts';
import type { TaskDetails } from '../details.ts';
import {
  clip,
  formatMs,
  formatPoints,
  formatScore,
  formatTally,
  NONE,
  plural,
  printable,
} from '../format.ts';
import { marksOf, pointsOf, scoreOf } from '../pairs.ts';
import type { TaskRow } from '../pairs.ts';
import { partBar } from './charts.ts';
import { html, NOTHING, within } from './markup.ts';
import type { Markup } from './markup.ts';

// Lines are blocks of their own; the break is for whoever copies them.
const LINE_END = '\n';

/** One task of the page, closed until opened: the grades with their evidence, what was asked, the answers. */
export function taskSection(
  row: TaskRow,
  details: TaskDetails | undefined,
  anchor: string,
  maxBytes: number,
): Markup {
  const [only, ...others] = row.candidates;
  const single = others.length === 0 ? only : undefined;
  const chips = single === undefined ? NOTHING : html`${marksOf(single).map(markChip)}`;
  const scores = row.candidates.map((result) =>
    result?.state === 'error' ? 'error' : formatScore(scoreOf(result)),
  );
  const share = maxBytes / Math.max(1, row.candidates.length);
  return html`<details class="task" id="${anchor}">
    <summary>
      <h3>${row.label}</h3>
      <span class="muted">${clip(details?.title ?? '', 160)}</span
      ><span class="chip">${row.category}</span
      ><span class="chip">${row.complexity}</span>${chips}<span class="scores"
        ><b>${scores.join(' · ')}</b>
        <span class="muted">${row.candidates.length === 1 ? 'candidate ·' : '·'}</span>
        ${formatScore(scoreOf(row.reference))} <span class="muted">reference</span></span
      >
    </summary>
    <div class="inside">
      ${row.candidates.map((result, index) =>
        result === undefined
          ? NOTHING
          : html`${row.candidates.length === 1 ? NOTHING : html`<h3 class="who">#${index + 1}: ${scores[index] ?? NONE} ${marksOf(result).map(markChip)}</h3>`}${candidateEvidence(
              result,
              row.reference,
              details,
              index,
              share,
            )}`,
      )}${details === undefined ? NOTHING : referenceAnswer(details, maxBytes * 0.18)}
    </div>
  </details>`;
}

function candidateEvidence(
  result: TaskResult,
  reference: TaskResult | undefined,
  details: TaskDetails | undefined,
  index: number,
  maxBytes: number,
): Markup {
  const graded = result.state === 'graded' ? result : undefined;
  return html`${
    result.state === 'error'
      ? html`<p class="error">
            <strong>Not graded.</strong> ${result.error.code}: ${clip(result.error.message, 2000)}
          </p>
          <p class="muted">
            An infrastructure failure counts against the run, not against the model.
          </p>`
      : gradedEvidence(result, reference?.state === 'graded' ? reference : undefined, maxBytes)
  }${details === undefined ? NOTHING : askedAndAnswered(details, graded, index, maxBytes)}`;
}

/** A mark of a task as a chip; what cost points stands out. */
export function markChip(mark: string): Markup {
  const kind =
    mark === 'replayed'
      ? 'chip'
      : /^(error|did not load|no code)/.test(mark)
        ? 'chip bad'
        : 'chip warn';
  return html`<span class="${kind}">${clip(mark, 60)}</span>`;
}

function gradedEvidence(
  task: GradedTask,
  reference: GradedTask | undefined,
  maxBytes: number,
): Markup {
  const bars = task.parts.map(({ name, points, max }) => {
    const other = pointsOf(reference, name);
    const shown = `${formatPoints(points)} / ${max}`;
    return partBar(
      `${name.charAt(0).toUpperCase()}${name.slice(1)}`,
      points,
      max,
      other,
      other === null ? shown : `${shown} (reference ${formatPoints(other)})`,
    );
  });
  return html`<dl class="parts">${bars}</dl>
    <ul class="facts">
      ${facts(task).map((fact) => html`<li>${clip(fact, 1000)}</li>`)}
    </ul>
    ${itemList(task, maxBytes * 0.2)}`;
}

function facts(task: GradedTask): string[] {
  const { evidence } = task;
  return [
    ...tellingOf(task.category).facts(evidence),
    task.replayed
      ? 'Answer replayed from a recording; not timed in this run.'
      : `Answered in ${formatMs(task.latencyMs)}, first token after ${formatMs(task.ttftMs)}, ${task.outputTokens ?? NONE} output tokens.`,
    ...(evidence.looped ? ['Stopped because the answer repeated itself.'] : []),
    ...(evidence.truncated ? ['The answer ended at the token limit.'] : []),
    ...(task.errorRetries > 0
      ? [`Infrastructure failed before; asked again: ${task.errorRetries}.`]
      : []),
  ];
}

function itemList({ category, evidence }: GradedTask, maxBytes: number): Markup {
  const telling = tellingOf(category);
  const items = telling.items(evidence);
  const { shown, omitted } = within(items, maxBytes, item);
  const good = items.filter(({ tone }) => tone === 'good').length;
  return html`<h4>${telling.itemsTitle}: ${formatTally({ done: good, total: items.length })}</h4>
    ${
      items.length === 0
        ? html`<p class="muted">None.</p>`
        : html`<ul class="items">
              ${shown}
            </ul>
            ${more(omitted, 'item')}`
    }`;
}

function item({ name, state, tone, message }: Item): Markup {
  const why = message === undefined ? NOTHING : html`<pre>${clip(message, 500)}</pre>`;
  return html`<li class="${tone}">${clip(name, 300)} <em>${state}</em>${why}</li>`;
}

/** What was asked beside what was answered; texts without notes stand with the first candidate alone. */
function askedAndAnswered(
  details: TaskDetails,
  task: GradedTask | undefined,
  index: number,
  maxBytes: number,
): Markup {
  return html`<div class="two">
    <section>
      ${exhibits(details.exhibits.slice(0, index === 0 ? undefined : 1), task, maxBytes * 0.36)}
    </section>
    <section>
      <h4>Answer of the candidate</h4>
      ${answer(details.answers[index] ?? null, maxBytes * 0.26)}
    </section>
  </div>`;
}

function referenceAnswer(details: TaskDetails, maxBytes: number): Markup {
  return details.referenceAnswer === null
    ? NOTHING
    : html`<details class="more">
        <summary>Answer of the reference</summary>
        ${answer(details.referenceAnswer, maxBytes)}
      </details>`;
}

/** What the task is about; the first text carries what the grade says of its lines. */
function exhibits(
  texts: readonly Exhibit[],
  task: GradedTask | undefined,
  maxBytes: number,
): Markup {
  const notes = task === undefined ? [] : tellingOf(task.category).notes(task.evidence);
  const room = maxBytes / Math.max(1, texts.length);
  return html`${texts.map((each, index) => exhibit(each, index === 0 ? notes : [], room))}`;
}

function exhibit({ name, text }: Exhibit, notes: readonly LineNote[], maxBytes: number): Markup {
  const byLine = groupBy(notes, (note) => note.line);
  const { shown, omitted } = within(linesOf(text), maxBytes, (line, index) => {
    const here = byLine.get(index + 1) ?? [];
    const colouring = here.filter(isColouring);
    const below = here.filter((note) => !isColouring(note)).map(noteLine);
    return colouring.length > 0
      ? html`<span class="l u" title="${colouring.map(({ kind }) => kind).join(', ')}"
            >${line}${LINE_END}</span
          >${below}`
      : html`<span class="l">${line}${LINE_END}</span>${below}`;
  });
  const kinds = [...groupBy(notes, ({ kind }) => kind)];
  return html`<h4>${name}</h4>
    <pre class="code" tabindex="0">${shown}</pre>
    ${more(omitted, 'line')}${
      kinds.length === 0
        ? NOTHING
        : html`<p class="key">
            ${kinds.map(
              ([kind, members]) =>
                html`<span
                  ><b class="${members.some(isColouring) ? 'u' : 'm'}"></b>${kind}:
                  ${members.length}</span
                >`,
            )}
          </p>`
    }`;
}

function isColouring({ text, change }: LineNote): boolean {
  return text === undefined && change === undefined;
}

function noteLine({ text, kind, change }: LineNote): Markup {
  return html`<span class="m"
    ><b>${clip(flat(text ?? kind), 200)}</b>${
      change === undefined
        ? NOTHING
        : html`: <del>${clip(flat(change.from), 120)}</del> →
            <ins>${clip(flat(change.to), 120) || 'nothing'}</ins>`
    }${LINE_END}</span
  >`;
}

function answer(text: string | null, maxBytes: number): Markup {
  if (text === null) return html`<p class="muted">There is none.</p>`;
  if (text.trim() === '') return html`<p class="muted">The answer is empty.</p>`;
  const { shown, omitted } = within(
    linesOf(text),
    maxBytes,
    (line) => html`<span class="l">${line}${LINE_END}</span>`,
  );
  return html`<pre class="code" tabindex="0">${shown}</pre>
    ${more(omitted, 'line')}`;
}

// A line longer than any that people write is cut, so that one of 10 MB does not become the page.
function linesOf(text: string): string[] {
  return printable(text.slice(0, 1_000_000))
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => clip(line, 2000));
}

function flat(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

function more(omitted: number, noun: string): Markup {
  return omitted === 0
    ? NOTHING
    : html`<p class="key">…and ${plural(omitted, noun)} more, left out to keep the page small.</p>`;
}
