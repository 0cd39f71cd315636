import type { RecordedRequest } from '../../../ledger/ledger.ts';
import { formatMs, NONE, oneLine } from '../../../quality/reports/format.ts';
import type { RouteAnswer } from '../../../routing/router.ts';
import type { RouterEvent } from '../../../routing/walk.ts';

/** `1,234`. */
export function formatCount(count: number | undefined): string {
  return count === undefined ? NONE : Math.round(count).toLocaleString('en-US');
}

/** Four decimals of a dollar; what is less than they show is told from nothing. */
export function formatUsd(usd: number | undefined): string {
  if (usd === undefined) return 'price unknown';
  return usd > 0 && usd < 0.000_05 ? '<$0.0001' : `$${usd.toFixed(4)}`;
}

/** `512 → 128 tokens`. */
export function formatTokens(
  usage: { inputTokens?: number; outputTokens?: number } | undefined,
): string {
  return `${formatCount(usage?.inputTokens)} → ${formatCount(usage?.outputTokens)} tokens`;
}

/** Who answered and what it took, in parts of a line. */
export function answerParts({ completion, tier, target, totalMs, usd }: RouteAnswer): string[] {
  const { timing, usage, finishReason } = completion;
  const first = timing.ttftMs === undefined ? '' : ` (first token ${formatCount(timing.ttftMs)})`;
  return [
    ...(finishReason === 'cancelled' ? ['cancelled'] : []),
    tier,
    oneLine(target),
    `${formatCount(totalMs)} ms${first}`,
    formatTokens(usage),
    formatUsd(usd),
  ];
}

/** `ollama:x overloaded ×3 in 2.1 s, then embedded:y answered`; nothing where the first one asked answered at once. */
export function failoverText({ attempts, ending }: RecordedRequest): string | undefined {
  const failed = attempts.filter(
    ({ outcome, purpose }) => outcome !== 'ok' && outcome !== 'cancelled' && purpose !== 'shadow',
  );
  if (failed.length === 0) return undefined;
  const steps: { words: string; times: number; ms: number }[] = [];
  for (const { target, outcome, totalMs } of failed) {
    const words = `${oneLine(target)} ${outcome}`;
    const last = steps.at(-1);
    if (last?.words === words) {
      last.times += 1;
      last.ms += totalMs;
    } else {
      steps.push({ words, times: 1, ms: totalMs });
    }
  }
  const told = steps.map(
    ({ words, times, ms }) => `${words}${times > 1 ? ` ×${times}` : ''} after ${formatMs(ms)}`,
  );
  const answered = ending?.state === 'answered' ? ending.answeredTarget : undefined;
  return [
    ...told,
    answered === undefined ? 'nobody answered' : `${oneLine(answered)} answered`,
  ].join(', then ');
}

/** What the router said, for people; `undefined` for what only those who look closely want to know. */
export function eventText(event: RouterEvent, verbose: boolean): string | undefined {
  switch (event.type) {
    case 'emergency':
      return `emergency: ${event.target} was asked although the cloud is for emergencies only (${event.trigger})`;
    case 'breaker': {
      const { breaker, from, to, kind } = event.change;
      return verbose ? `breaker: ${breaker} went from ${from} to ${to} (${kind})` : undefined;
    }
    case 'rollout':
      return `rollout ${event.rollout}: ${event.event}, the candidate has ${event.serve} % (${oneLine(event.why)})`;
    case 'trouble':
      return `warning: ${oneLine(event.message)}`;
  }
}

/** `2026-11-24 09:05:00`, as clocks here show it. */
export function localTime(at: number): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')}`;
}
