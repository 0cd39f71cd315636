import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Span } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import type { Resource } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { ATTRIBUTES as A } from './names.ts';
import type { TargetNames } from './targets.ts';
import type { EndedAttempt, EndedRequest, StartedAttempt, StartedRequest } from './telemetry.ts';
import { watchExporter } from './watch-exporter.ts';

/** A request's span and, under it, one for each attempt. */
export interface Traces {
  request(started: StartedRequest): RequestSpan;
  shutdown(): Promise<void>;
}

export interface RequestSpan {
  attempt(started: StartedAttempt, names: TargetNames): { ended(attempt: EndedAttempt): void };
  ended(request: EndedRequest): void;
}

/** The sampler and the limits are read from the standard variables by the SDK itself. */
export function openTraces(
  resource: Resource,
  version: string,
  warn: (problem: string) => void,
): Traces {
  const provider = new NodeTracerProvider({
    resource,
    spanProcessors: [
      new BatchSpanProcessor(watchExporter('traces', new OTLPTraceExporter(), warn)),
    ],
  });
  const tracer = provider.getTracer('aqe-llm', version);
  return {
    request({ requestId, source, agent, private: isPrivate }) {
      const attributes = { [A.requestId]: requestId, [A.source]: source, [A.private]: isPrivate };
      const span = tracer.startSpan('route', { attributes }, ROOT_CONTEXT);
      if (agent !== undefined) span.setAttribute(A.agent, agent);
      const within = trace.setSpan(ROOT_CONTEXT, span);
      return {
        attempt: ({ tier, target }, names) => {
          const model = target.slice(target.indexOf(':') + 1);
          const child = tracer.startSpan(
            `chat ${model}`,
            { kind: SpanKind.CLIENT, attributes: attemptAttributes(tier, model, names) },
            within,
          );
          return { ended: (ended) => endAttempt(child, ended) };
        },
        ended: (ended) => endRequest(span, ended),
      };
    },
    shutdown: () => provider.shutdown(),
  };
}

function attemptAttributes(
  tier: string,
  model: string,
  { system, address, port }: TargetNames,
): Record<string, string | number> {
  return {
    [A.operation]: 'chat',
    [A.provider]: system,
    [A.requestModel]: model,
    [A.tier]: tier,
    ...(address !== undefined && { [A.serverAddress]: address }),
    ...(port !== undefined && { [A.serverPort]: port }),
  };
}

function endAttempt(span: Span, { outcome, ttftMs, usage = {}, usd }: EndedAttempt): void {
  if (outcome !== 'ok') failed(span, outcome);
  set(span, A.ttft, ttftMs);
  set(span, A.inputTokens, usage.inputTokens);
  set(span, A.outputTokens, usage.outputTokens);
  set(span, A.cachedTokens, usage.cachedInputTokens);
  set(span, A.usd, usd);
  span.end();
}

function endRequest(span: Span, ended: EndedRequest): void {
  const { state, failure, category, complexity, policy, overheadMs, usage = {} } = ended;
  span.setAttributes({
    [A.state]: state,
    [A.category]: category,
    [A.complexity]: complexity,
    [A.policy]: policy,
    [A.overhead]: overheadMs,
  });
  if (state === 'failed') failed(span, failure ?? 'unknown');
  set(span, A.tier, ended.tier);
  set(span, A.target, ended.target);
  set(span, A.ttft, ended.ttftMs);
  set(span, A.inputTokens, usage.inputTokens);
  set(span, A.outputTokens, usage.outputTokens);
  set(span, A.usd, ended.usd);
  span.end();
}

function failed(span: Span, failure: string): void {
  span.setAttribute(A.error, failure);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

function set(span: Span, attribute: string, value: string | number | undefined): void {
  if (value !== undefined) span.setAttribute(attribute, value);
}
