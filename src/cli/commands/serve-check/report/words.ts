import path from 'node:path';
import { formatMs, formatRate, NONE, oneLine } from '../../../../quality/reports/format.ts';
import type { Percentiles, StepFigures } from '../../../../serving/figures.ts';
import type { Check, ServeReport, TargetReport, VerdictState } from '../../../../serving/result.ts';
import type { SoakFigures } from '../../../../serving/soak.ts';

export { formatRate } from '../../../../quality/reports/format.ts';

export const HEADLINES: Record<VerdictState, string> = {
  ready: 'READY',
  'not-ready': 'NOT READY',
  'slo-missed': 'OBJECTIVE MISSED',
  'too-few': 'TOO FEW REQUESTS',
};

export const MARKS: Record<Check['state'], string> = {
  ok: '✓',
  warning: '!',
  failed: '✗',
  absent: '–',
};

/** `✓ model        smollm2`. */
export function checkLine({ state, id, detail, hint }: Check): string {
  const head = `${MARKS[state]} ${id.padEnd(11)} ${oneLine(detail)}`;
  return hint === undefined || state === 'ok' ? head : `${head}\n    ${oneLine(hint)}`;
}

/** A percentile; `~` marks one that so few values cannot tell from their largest. */
export function formatPercentile(values: Percentiles, name: 'p50' | 'p90' | 'p95' | 'p99'): string {
  const value = values[name];
  if (value === null) return NONE;
  const text = value < 10 ? `${value.toFixed(1)} ms` : formatMs(value);
  return values.unsound.includes(name) ? `~${text}` : text;
}

/** Failures by class, the commonest first. */
export function errorsText(errors: Readonly<Record<string, number>>): string {
  const entries = Object.entries(errors).sort(([, a], [, b]) => b - a);
  return entries.length === 0 ? '0' : entries.map(([name, count]) => `${count} ${name}`).join(', ');
}

/** A change with its sign, `+12 %`. */
export function formatChange(share: number | null): string {
  if (share === null) return NONE;
  const percent = Math.round(share * 100);
  return `${percent < 0 ? '−' : '+'}${Math.abs(percent)} %`;
}

export function formatMega(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Whether any percentile of the report rests on too few values. */
export function hasUnsound({ targets }: ServeReport): boolean {
  const doubtful = ({ ttftMs, e2eMs }: StepFigures): boolean =>
    ttftMs.unsound.length > 0 || e2eMs.unsound.length > 0;
  return targets.some(({ load }) => load.state === 'measured' && load.steps.some(doubtful));
}

export const UNSOUND_NOTE =
  '~ marks a percentile of fewer values than it needs (10 for P90, 20 for P95, 100 for P99).';

/** The soak in lines. */
export function soakLines(soak: SoakFigures): string[] {
  const { drift, own, serverRssBytes: server } = soak;
  return [
    `soak        ${soak.requests} requests, failed: ${errorsText(soak.errors)}`,
    drift === null
      ? 'drift       too few answers to tell'
      : `drift       E2E P50 ${formatMs(drift.firstMs)} in the first tenth, ${formatMs(drift.lastMs)} in the last (${formatChange(drift.change)})`,
    own === null
      ? 'memory      too few readings to tell'
      : `memory      heap ${formatMega(own.first.heapBytes)} then ${formatMega(own.last.heapBytes)}, handles ${own.first.handles} then ${own.last.handles}`,
    ...(server === null
      ? []
      : [
          `            server ${formatMega(server.first)} then ${formatMega(server.last)} resident`,
        ]),
  ];
}

/** `ollama:smollm2, Ollama 0.17.4`. */
export function titleOf({ name, model, kind, version }: TargetReport): string {
  const server = [kind, version].filter((part) => part !== null).join(' ');
  // llama-server calls a model by its file.
  const short = model === null ? '' : path.basename(model);
  const which = name.includes(short) ? name : `${name} · ${short}`;
  return oneLine(server === '' || which.startsWith(server) ? which : `${which} (${server})`);
}

/** The figures of a step that a table shows. */
export function figureCells(step: StepFigures): string[] {
  const { goodput } = step;
  return [
    formatPercentile(step.ttftMs, 'p50'),
    formatPercentile(step.ttftMs, 'p95'),
    formatPercentile(step.tpotMs, 'p50'),
    formatPercentile(step.e2eMs, 'p50'),
    formatPercentile(step.e2eMs, 'p95'),
    formatPercentile(step.e2eMs, 'p99'),
    formatRate(step.outputTokensPerSecond),
    formatRate(step.outputTokensPerSecondPerUser),
    step.requestsPerSecond.toFixed(2),
    errorsText(step.errors),
    goodput === null ? NONE : `${Math.round(goodput.share * 100)} %`,
  ];
}

export const FIGURE_HEADS: readonly string[] = [
  'TTFT P50',
  'P95',
  'TPOT P50',
  'E2E P50',
  'P95',
  'P99',
  'tok/s',
  'per user',
  'req/s',
  'failed',
  'good',
];
