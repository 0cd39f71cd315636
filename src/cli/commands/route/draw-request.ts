import type { RecordedAttempt, RecordedRequest, RouteEventRecord } from '../../../ledger/ledger.ts';
import { formatMs } from '../../../quality/reports/format.ts';
import type { Decision, Rung } from '../../../routing/decision.ts';
import { Drawing, type Canvas } from '../../output/draw.ts';
import { drawDecision } from './draw-decision.ts';
import { formatTokens, formatUsd, localTime } from './words.ts';

interface Recorded {
  request: RecordedRequest;
  /** Absent where it cannot be read any more. */
  decision: Decision | undefined;
  /** Of this request. */
  events: readonly RouteEventRecord[];
}

/** Columns of the attempts' bars, where there is room and where there is not. */
const BAR = { wide: 24, narrow: 12 };
const WIDE = 70;

/** Draws a recorded request: what was decided, what happened, what it cost. */
export function drawRequest({ request, decision, events }: Recorded, canvas: Canvas): string {
  const drawing = new Drawing(canvas);
  drawHead(drawing, request);
  if (decision === undefined) {
    drawing.field('decision', 'recorded by another version; --json shows it');
  } else {
    drawDecision(drawing, decision, (rung) => whatBecame(rung, request));
  }
  drawAttempts(drawing, request);
  for (const { at, kind, detail } of events) {
    drawing.field(kind, `${formatMs(at - request.at)} after its begin: ${wordsOf(detail)}`);
  }
  return drawing.toString();
}

function drawHead(drawing: Drawing, request: RecordedRequest): void {
  const { ending, session, agent } = request;
  drawing.title(`Request ${request.id}`);
  drawing.field('came', `${localTime(request.at)} from ${request.source}`);
  const with_ = [
    ...(request.private ? ['private'] : []),
    `priority ${request.priority}`,
    ...(session === undefined ? [] : [`session ${session}`]),
    ...(agent === undefined ? [] : [`agent ${agent}`]),
  ];
  drawing.field('asked for', with_.join(', '));
  const how = ending?.failure === undefined ? request.state : `${request.state}: ${ending.failure}`;
  drawing.field(
    'ended',
    ending === undefined
      ? how
      : `${how} in ${formatMs(ending.totalMs)}, ${formatShort(ending.overheadMs)} of it with nobody at work`,
  );
  if (request.usage !== undefined) drawing.field('took', formatTokens(request.usage));
  if (ending !== undefined) drawing.field('cost', formatUsd(request.usd));
}

function whatBecame(
  rung: Rung,
  { attempts, ending }: RecordedRequest,
): { mark: string; note: string } {
  const here = attempts.filter(({ tier, target }) => tier === rung.tier && target === rung.spec);
  const failed = here.filter(({ outcome }) => outcome !== 'ok');
  const isAnswer =
    ending?.state === 'answered' &&
    ending.answeredTier === rung.tier &&
    ending.answeredTarget === rung.spec;
  if (isAnswer) return { mark: '✓', note: '' };
  if (failed.length > 0)
    return { mark: '✗', note: failed.map(({ outcome }) => outcome).join(', ') };
  return { mark: '·', note: here.length > 0 ? '' : 'not asked' };
}

/** A line for each attempt, and a bar that shows when it ran: light until its first token. */
function drawAttempts(drawing: Drawing, { attempts, at }: RecordedRequest): void {
  if (attempts.length === 0) return;
  const { paint, width } = drawing;
  drawing.title('What happened');
  const size = width < WIDE ? BAR.narrow : BAR.wide;
  const end = Math.max(...attempts.map((attempt) => attempt.at - at + attempt.totalMs), 1);
  const columns = (ms: number): number => Math.round((ms / end) * size);
  for (const attempt of attempts) {
    const from = Math.min(size - 1, columns(Math.max(0, attempt.at - at)));
    const length = Math.max(1, Math.min(size - from, columns(attempt.totalMs)));
    const light = Math.min(length, columns(attempt.ttftMs ?? attempt.totalMs));
    const bar = `${' '.repeat(from)}${'░'.repeat(light)}${'█'.repeat(length - light)}`;
    const paintBar = attempt.outcome === 'ok' ? paint.green : paint.red;
    drawing.item(`${bar.padEnd(size)}  `, paintBar, attempt.target);
    drawing.item(' '.repeat(size + 2), String, attemptText(attempt));
  }
}

function attemptText({ outcome, ttftMs, totalMs, usage, usd }: RecordedAttempt): string {
  return [
    outcome,
    `${formatMs(totalMs)}${ttftMs === undefined ? '' : ` (first token ${formatMs(ttftMs)})`}`,
    ...(usage === undefined ? [] : [formatTokens(usage)]),
    formatUsd(usd),
  ].join(' · ');
}

/** `trigger local-failures, target anthropic:x`. */
function wordsOf(detail: unknown): string {
  return Object.entries(Object(detail))
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ');
}

/** Milliseconds with a decimal where they are few. */
function formatShort(ms: number): string {
  return ms < 10 ? `${ms.toFixed(1)} ms` : formatMs(ms);
}
