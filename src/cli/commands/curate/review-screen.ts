import { createTwoFilesPatch } from 'diff';
import { printable } from '../../../quality/reports/format.ts';
import { confidenceOf, type Pattern } from '../../../patterns/pattern.ts';
import { reasonsFor } from '../../../patterns/review/reasons.ts';
import type { PatternMatch } from '../../../patterns/store.ts';
import { Drawing, type Canvas } from '../../output/draw.ts';

/** A pattern that is under review, and what is near it. */
export interface Reviewed {
  pattern: Pattern;
  neighbours: readonly PatternMatch[];
  /** As in `3 of 12`. */
  place: string;
}

const PROMPT_LINES = 12;
const ANSWER_LINES = 24;

export const KEYS = 'a approve · e edit · 1–5 rate · r reject · s skip · u undo · ? more';
export const HELP = `a          the answer is right: it may be reused
e          edit the answer in $VISUAL, $EDITOR or vi, and approve it
1 to 5     rate it: 4 and 5 verify it, less only lowers its confidence
r [why]    it is wrong: keep it from use
s          decide later
u          take the last decision back
x          explain the confidence
n          the neighbours, whole
d [n]      how the n-th neighbour differs, the first unless said
v          the prompt and the answer, whole
q          leave, as Ctrl-D does; aqe-llm curate review goes on here`;

/** What a reviewer looks at first. */
export function drawReviewed(reviewed: Reviewed, now: number, canvas: Canvas): string {
  const { pattern, neighbours, place } = reviewed;
  const drawing = new Drawing(canvas);
  drawing.title(
    `${place} · ${pattern.category} · confidence ${confidenceOf(pattern.belief).toFixed(2)} · ${pattern.id}`,
  );
  drawTexts(drawing, pattern, PROMPT_LINES, ANSWER_LINES);
  drawing.title('Why it is not surer');
  for (const reason of reasonsFor(pattern, now)) drawing.item('· ', drawing.paint.dim, reason);
  if (neighbours.length > 0) drawing.title('Neighbours');
  for (const [index, match] of neighbours.entries()) drawNeighbour(drawing, index, match);
  return drawing.toString();
}

/** Prompt and answer, whole. */
export function drawWhole({ pattern }: Reviewed, canvas: Canvas): string {
  const drawing = new Drawing(canvas);
  drawTexts(drawing, pattern, Infinity, Infinity);
  return drawing.toString();
}

/** What is near, whole. */
export function drawNeighbours({ neighbours }: Reviewed, canvas: Canvas): string {
  if (neighbours.length === 0) return 'There is nothing near it.\n';
  const drawing = new Drawing(canvas);
  for (const [index, match] of neighbours.entries()) {
    drawing.title(`Neighbour ${index + 1}, ${match.similarity.toFixed(3)} alike`);
    drawTexts(drawing, match.pattern, Infinity, Infinity);
  }
  return drawing.toString();
}

/** How the confidence came about. */
export function drawExplanation({ pattern }: Reviewed, now: number, canvas: Canvas): string {
  const drawing = new Drawing(canvas);
  const { belief, outcomes, uses, provenance, scope, createdAt, expiresAt } = pattern;
  const { alpha, beta } = belief;
  drawing.title(`Confidence ${confidenceOf(belief).toFixed(2)}`);
  drawing.field('posterior', `Beta(${alpha.toFixed(1)}, ${beta.toFixed(1)}), α / (α + β)`);
  drawing.field('outcomes', `${outcomes.good} good, ${outcomes.bad} bad, of ${uses} uses`);
  const { source, origin, target, requestId, agent } = provenance;
  const origins = [source, origin, target, requestId, agent].filter((part) => part !== undefined);
  drawing.field('from', origins.join(' · '));
  drawing.field(
    'scope',
    Object.entries(scope)
      .map(([key, value]) => `${key}=${value}`)
      .join(', '),
  );
  drawing.field('since', new Date(createdAt).toISOString());
  if (expiresAt !== undefined) drawing.field('until', new Date(expiresAt).toISOString());
  for (const reason of reasonsFor(pattern, now)) drawing.item('· ', drawing.paint.dim, reason);
  return drawing.toString();
}

/** A unified diff, with colours where there are any. */
export function drawDiff(before: NamedText, after: NamedText, canvas: Canvas): string {
  const { paint } = new Drawing(canvas);
  if (before.text === after.text) return `${before.name} and ${after.name} are the same.\n`;
  const patch = createTwoFilesPatch(before.name, after.name, before.text, after.text);
  return printable(patch)
    .split('\n')
    .slice(1)
    .filter((line) => !line.startsWith('\\ No newline'))
    .map((line) => {
      if (line.startsWith('+')) return paint.green(line);
      if (line.startsWith('-')) return paint.red(line);
      return line.startsWith('@@') ? paint.cyan(line) : line;
    })
    .join('\n');
}

interface NamedText {
  name: string;
  text: string;
}

function drawTexts(
  drawing: Drawing,
  { prompt, answer }: Pattern,
  promptLines: number,
  answerLines: number,
): void {
  drawing.title('Prompt');
  drawing.block(prompt, promptLines);
  drawing.title('Answer');
  drawing.block(answer, answerLines);
}

function drawNeighbour(drawing: Drawing, index: number, { pattern, similarity }: PatternMatch) {
  const confidence = confidenceOf(pattern.belief).toFixed(2);
  const verified = pattern.verified === 'no' ? '' : `, verified`;
  const lead = `${index + 1}  ${similarity.toFixed(3)} `;
  drawing.item(lead, drawing.paint.dim, `${pattern.name} (${confidence}${verified})`);
}
