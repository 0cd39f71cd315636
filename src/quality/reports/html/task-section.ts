import type { Evidence, GradedTask, MutantEvidence, TestEvidence } from '../../result.ts';
import type { TaskDetails } from '../details.ts';
import {
  clip,
  formatMs,
  formatPercent,
  formatPoints,
  formatScore,
  formatTally,
  NONE,
  plural,
  printable,
} from '../format.ts';
import { marksOf, mutantsOf, scoreOf, testsOf } from '../pairs.ts';
import type { TaskPair } from '../pairs.ts';
import { partBar } from './charts.ts';
import { html, NOTHING, within } from './markup.ts';
import type { Markup } from './markup.ts';

// Lines are blocks of their own; the break is for whoever copies them.
const LINE_END = '\n';

/** One task of the page, closed until opened: evidence, the subject with what was missed, the answers. */
export function taskSection(
  pair: TaskPair,
  details: TaskDetails | undefined,
  anchor: string,
  maxBytes: number,
): Markup {
  const { candidate, reference } = pair;
  const graded = candidate.state === 'graded' ? candidate : undefined;
  return html`<details class="task" id="${anchor}">
    <summary>
      <h3>${pair.label}</h3>
      <span class="muted">${clip(details?.title ?? '', 160)}</span
      ><span class="chip">${candidate.complexity}</span>${marksOf(candidate).map(markChip)}<span
        class="scores"
        ><b>${formatScore(scoreOf(candidate))}</b>
        <span class="muted">candidate ·</span> ${formatScore(scoreOf(reference))}
        <span class="muted">reference</span></span
      >
    </summary>
    <div class="inside">
      ${
        candidate.state === 'error'
          ? html`<p class="error">
                <strong>Not graded.</strong> ${candidate.error.code}:
                ${clip(candidate.error.message, 2000)}
              </p>
              <p class="muted">
                An infrastructure failure counts against the run, not against the model.
              </p>`
          : gradedEvidence(
              candidate,
              reference?.state === 'graded' ? reference : undefined,
              maxBytes,
            )
      }${details === undefined ? NOTHING : texts(details, graded, maxBytes)}
    </div>
  </details>`;
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
  const { evidence, parts } = task;
  const bar = (name: string, key: 'coverage' | 'edgeCases' | 'correctness', most: number): Markup =>
    partBar(
      name,
      parts[key],
      most,
      reference?.parts[key] ?? null,
      `${formatPoints(parts[key])} / ${most}${
        reference === undefined ? '' : ` (reference ${formatPoints(reference.parts[key])})`
      }`,
    );
  return html`<dl class="parts">
      ${bar('Coverage', 'coverage', 40)}${bar('Edge cases', 'edgeCases', 30)}${bar('Correctness', 'correctness', 30)}
    </dl>
    <ul class="facts">
      ${facts(task).map((fact) => html`<li>${clip(fact, 1000)}</li>`)}
    </ul>
    ${testList(evidence, testsOf(task), maxBytes * 0.2)}`;
}

function facts(task: GradedTask): string[] {
  const { evidence } = task;
  const { salvaged } = evidence.extraction;
  const covered = (part: Evidence['statements']): string =>
    `${part.covered} of ${part.total} (reference ${part.reference}${part.reference > 0 ? `, ${formatPercent(part.covered / part.reference)} of it` : ''})`;
  const seen = evidence.boundaryClasses.seen;
  const missing = evidence.boundaryClasses.expected.filter((name) => !seen.includes(name));
  return [
    `Covered by passing tests: statements ${covered(evidence.statements)}, branches ${covered(evidence.branches)}.`,
    `Mutants killed: ${formatTally(mutantsOf(task))}. Boundary values tried: ${seen.join(', ') || 'none'}${missing.length > 0 ? `; not tried: ${missing.join(', ')}` : ''}.`,
    task.replayed
      ? 'Answer replayed from a recording; not timed in this run.'
      : `Answered in ${formatMs(task.latencyMs)}, first token after ${formatMs(task.ttftMs)}, ${task.outputTokens ?? NONE} output tokens.`,
    ...(evidence.extraction.source === 'none' ? ['The answer holds no code.'] : []),
    ...(salvaged === undefined
      ? []
      : [
          `The answer did not parse as it stood: ${salvaged.kept} of ${plural(salvaged.total, 'test')} could be kept.`,
        ]),
    ...(evidence.looped ? ['Stopped because the answer repeated itself.'] : []),
    ...(evidence.truncated ? ['The answer ended at the token limit.'] : []),
    ...(evidence.loadError === undefined
      ? []
      : [`The test file did not load: ${evidence.loadError}`]),
    ...evidence.typeErrors.slice(0, 10).map((error) => `Type error: ${error}`),
    ...(evidence.typeErrors.length > 10
      ? [`…and ${evidence.typeErrors.length - 10} more type errors.`]
      : []),
  ];
}

function testList(evidence: Evidence, tally: ReturnType<typeof testsOf>, maxBytes: number): Markup {
  const { shown, omitted } = within(evidence.tests, maxBytes, testItem);
  return html`<h4>
      Tests of the candidate, run on the unchanged subject: ${formatTally(tally)} passed
    </h4>
    ${
      evidence.tests.length === 0
        ? html`<p class="muted">No test ran.</p>`
        : html`<ul class="tests">
              ${shown}
            </ul>
            ${more(omitted, 'test')}`
    }`;
}

function testItem({ name, state, message }: TestEvidence): Markup {
  const why = message === undefined ? NOTHING : html`<pre>${clip(message, 500)}</pre>`;
  return html`<li class="${state}">${clip(name, 300)} <em>${state}</em>${why}</li>`;
}

function texts(details: TaskDetails, task: GradedTask | undefined, maxBytes: number): Markup {
  return html`<div class="two">
      <section>${subject(details, task, maxBytes * 0.36)}</section>
      <section>
        <h4>Answer of the candidate</h4>
        ${answer(details.candidateAnswer, maxBytes * 0.26)}
      </section>
    </div>
    ${
      details.referenceAnswer === null
        ? NOTHING
        : html`<details class="more">
            <summary>Answer of the reference</summary>
            ${answer(details.referenceAnswer, maxBytes * 0.18)}
          </details>`
    }`;
}

function subject(details: TaskDetails, task: GradedTask | undefined, maxBytes: number): Markup {
  const uncovered = new Set(task?.evidence.uncoveredLines);
  const alive = (task?.evidence.mutants ?? []).filter(
    ({ state }) => state === 'survived' || state === 'no-coverage',
  );
  const { shown, omitted } = within(linesOf(details.subjectSource), maxBytes, (line, index) => {
    const mutants = alive.filter((mutant) => mutant.line === index + 1);
    return uncovered.has(index + 1)
      ? html`<span class="l u" title="not covered by a passing test">${line}${LINE_END}</span
          >${mutants.map(mutantLine)}`
      : html`<span class="l">${line}${LINE_END}</span>${mutants.map(mutantLine)}`;
  });
  return html`<h4>Subject ${details.subjectFile}</h4>
    <pre class="code" tabindex="0">${shown}</pre>
    ${more(omitted, 'line')}${
      task === undefined
        ? NOTHING
        : html`<p class="key">
            <b class="u"></b>${plural(uncovered.size, 'line')} not covered<b class="m"></b
            >${plural(alive.length, 'mutant')} survived
          </p>`
    }`;
}

function mutantLine({ mutator, state, original, replacement, boundary }: MutantEvidence): Markup {
  const kind = state === 'no-coverage' ? 'not reached' : 'survived';
  return html`<span class="m"
    ><b>${kind}</b> ${mutator}${boundary ? ' (boundary)' : ''}:
    <del>${clip(flat(original), 120)}</del> →
    <ins>${clip(flat(replacement), 120) || 'nothing'}</ins>${LINE_END}</span
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
