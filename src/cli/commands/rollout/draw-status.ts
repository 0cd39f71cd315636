import { oneLine } from '../../../quality/reports/format.ts';
import { figure, percent, type Need } from '../../../rollout/assess.ts';
import type { RolloutStatus, RolloutView } from '../../../rollout/view.ts';
import { Drawing, type Canvas } from '../../output/draw.ts';
import { localTime } from '../route/words.ts';
import { eventInWords, formatSpan } from './words.ts';

/** Entries of the log that the screen shows. */
const RECENT = 5;
/** Columns of the quality's scale, where there is room and where there is not. */
const SCALE = { wide: 48, narrow: 24, from: 72 };

/** The screen of `rollout status`. */
export function drawStatus({ at, rollout }: RolloutView, canvas: Canvas): string {
  if (rollout.state === 'none') {
    return 'There is no rollout. aqe-llm rollout plan > rollout.json writes a plan to begin with.\n';
  }
  if (rollout.state === 'unreadable')
    return `The log of the rollout was edited: ${rollout.problem}\n`;
  const drawing = new Drawing(canvas);
  drawing.title(`Rollout ${rollout.id} · ${oneLine(rollout.plan.name)}`);
  drawing.field('state', stateText(rollout));
  drawing.field('why', rollout.why);
  drawing.field('sides', `${rollout.plan.candidate} in the place of ${rollout.plan.reference}`);
  drawing.field('ladder', ladderText(rollout));
  drawing.field('since', sinceText(rollout, at));
  if (rollout.evidence !== undefined) drawEvidence(drawing, rollout, rollout.evidence);
  drawing.title('What happened');
  for (const entry of rollout.recent.slice(0, RECENT)) {
    const reason = entry.reason === '' ? '' : `: ${entry.reason}`;
    const who = entry.actor.replace(/^operator:/, '');
    const when = localTime(entry.at).slice(5, 16);
    drawing.item(`${when}  `, drawing.paint.dim, `${eventInWords(entry)} by ${who}${reason}`);
  }
  return drawing.toString();
}

function stateText({
  state,
  serve,
  cautious,
  complete,
  plan,
}: RolloutStatus & { state: string }): string {
  const { candidate, reference } = plan;
  const careful = cautious ? ', left alone after two failures in a row' : '';
  switch (state) {
    case 'draft':
      return 'draft: nothing is moved yet';
    case 'shadow':
      return `shadow: ${reference} answers everything, ${candidate} is compared with it`;
    case 'completed':
      return `completed: ${serve} % of units go to ${candidate}`;
    case 'rolled_back':
      return complete
        ? `rolled back completely: everything that may leave the machine goes to ${reference}, nobody else is asked`
        : `rolled back: everything in scope goes to ${reference}`;
    case 'aborted':
      return 'aborted: the configuration decides again';
    default:
      return `${state}: ${serve} % of units go to ${candidate}${careful}`;
  }
}

function ladderText({ plan, step, state }: RolloutStatus & { state: string }): string {
  const isBack = state === 'rolled_back' || state === 'aborted' || state === 'draft';
  return plan.steps
    .map(({ name, serve }, index) => {
      const mark = isBack || index > step ? '·' : index < step || state === 'completed' ? '✓' : '▶';
      return `${mark} ${name} ${serve} %`;
    })
    .join('   ');
}

function sinceText({ stage, createdAt, entries, head }: RolloutStatus, now: number): string {
  const ago = (at: number): string => formatSpan(Math.max(0, now - at));
  return `this share for ${ago(stage.at)}, begun ${ago(createdAt)} ago; ${entries} entries, head ${head.slice(0, 12)}`;
}

function drawEvidence(
  drawing: Drawing,
  rollout: RolloutStatus,
  { quality, needs, pass, verdict, tallies, guardrails }: NonNullable<RolloutStatus['evidence']>,
): void {
  const { paint, width } = drawing;
  drawing.title('Evidence of this share');
  const [watched] = guardrails;
  const scale = width < SCALE.from ? SCALE.narrow : SCALE.wide;
  drawing.field('quality', scaleText({ ...quality, value: watched?.value }, scale));
  drawing.field(
    '',
    `${watched?.value === undefined ? 'unknown' : percent(watched.value)} of the reference, between ${percent(quality.lower)} and ${quality.upper === null ? '∞' : percent(quality.upper)}, ${percent(quality.limit)} asked (${quality.pairs} comparisons, E ${figure(pass.e)} of ${figure(pass.at)})`,
  );
  for (const need of needs) {
    const mark = markOf(need, guardrails);
    const color = mark === '✓' ? paint.green : mark === '✗' ? paint.red : paint.yellow;
    drawing.item(`${mark} `, color, need.what);
  }
  const { graded, candidate, reference } = tallies;
  drawing.field(
    'apart',
    `${graded.unknown} comparisons that running cannot tell, ${graded.errored} whose grading failed, ${graded.busy} dropped for want of room; the reference failed ${reference.failed} of ${reference.asked} calls, the candidate ${candidate.failed} of ${candidate.asked}`,
  );
  drawing.field('verdict', verdictText(verdict));
  drawing.title('What would move it');
  for (const trigger of rollout.triggers) drawing.item('· ', paint.dim, trigger);
}

function markOf(
  { id, met }: Need,
  guardrails: NonNullable<RolloutStatus['evidence']>['guardrails'],
): string {
  const state = guardrails.find((it) => it.id === id)?.state;
  if (state === 'harm' || state === 'hard') return '✗';
  return met ? '✓' : '–';
}

function verdictText(verdict: NonNullable<RolloutStatus['evidence']>['verdict']): string {
  switch (verdict.state) {
    case 'advance':
      return 'may advance';
    case 'hold':
      return 'hold: what is marked – is missing';
    case 'roll-back':
      return `roll back: ${verdict.why}`;
  }
}

/** `0.50 ──├────●──┤──│── 1.10`: bounds, value, and where the border is. */
function scaleText(
  {
    value,
    lower,
    upper,
    limit,
  }: { value: number | undefined; lower: number; upper: number | null; limit: number },
  columns: number,
): string {
  const from = Math.max(0, Math.min(limit - 0.3, 0.7));
  const to = Math.max(1.15, limit + 0.2);
  const place = (ratio: number): number =>
    Math.max(0, Math.min(columns - 1, Math.round(((ratio - from) / (to - from)) * (columns - 1))));
  const line = Array.from({ length: columns }, () => '·');
  const [left, right] = [place(lower), place(upper ?? to)];
  for (let column = left; column <= right; column += 1) line[column] = '─';
  line[left] = lower < from ? '‹' : '├';
  line[right] = upper === null || upper > to ? '›' : '┤';
  line[place(limit)] = '┃';
  if (value !== undefined) line[place(value)] = '●';
  return `${from.toFixed(2)} ${line.join('')} ${to.toFixed(2)}`;
}
