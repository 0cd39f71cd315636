import type { Completion, FinishReason, ToolCall, Usage } from '../../src/core/request.ts';
import type { Decision, RouteRequest } from '../../src/routing/decision.ts';
import type { RoutableModel, RouteAnswer, Router } from '../../src/routing/router.ts';

export type Step =
  | { text: string }
  | { thinking: string }
  | { call: ToolCall }
  /** Thrown; before the first of the others it comes before the commit. */
  | { error: unknown }
  /** Waits until it resolves or the caller aborts. */
  | { until: Promise<void> };

export interface Script {
  steps: readonly Step[];
  finishReason?: FinishReason;
  usage?: Usage;
}

export interface ScriptedRouter extends Router {
  /** What was asked, in order. */
  readonly requests: RouteRequest[];
  /** Requests whose caller aborted. */
  readonly aborted: RouteRequest[];
  /** How many steps were given so far, over all requests. */
  readonly given: number;
  script: Script | ((request: RouteRequest) => Script);
  list: RoutableModel[];
  embedding: (texts: readonly string[]) => Promise<number[][]>;
}

export const TARGET = 'stub:small:1b';
const USAGE: Usage = { inputTokens: 12, outputTokens: 5, cachedInputTokens: 4 };

const DECISION: Decision = {
  policy: 'strategy',
  narrowedBy: [],
  strategy: 'adaptive',
  description: {
    category: 'other',
    complexity: 'simple',
    confidence: 1,
    promptTokens: 42,
    features: {},
  },
  ladder: [{ tier: 'direct', spec: TARGET, maySeePrivate: true }],
  confidence: 1,
  reasons: [],
  rejected: [],
  neighbours: [],
};

/** A router whose answers are given beforehand. */
export function scriptedRouter(): ScriptedRouter {
  const requests: RouteRequest[] = [];
  const aborted: RouteRequest[] = [];
  let count = 0;
  let given = 0;

  async function* run(
    request: RouteRequest,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Exclude<Step, { error: unknown } | { until: unknown }> | RouteAnswer> {
    requests.push(request);
    const { script } = router;
    const {
      steps,
      finishReason,
      usage = USAGE,
    } = typeof script === 'function' ? script(request) : script;
    let text = '';
    let thinking = '';
    const toolCalls: ToolCall[] = [];
    for (const step of steps) {
      if (signal?.aborted === true) break;
      given += 1;
      if ('error' in step) throw step.error;
      if ('until' in step) {
        await Promise.race([step.until, aborts(signal)]);
        continue;
      }
      if ('text' in step) text += step.text;
      if ('thinking' in step) thinking += step.thinking;
      if ('call' in step) toolCalls.push(step.call);
      yield step;
    }
    const isAborted = signal?.aborted === true;
    if (isAborted) aborted.push(request);
    yield answerOf(
      {
        text,
        ...(thinking === '' ? {} : { thinking }),
        ...(toolCalls.length === 0 ? {} : { toolCalls }),
        finishReason: isAborted
          ? 'cancelled'
          : (finishReason ?? (toolCalls.length > 0 ? 'tool-calls' : 'stop')),
        usage,
      },
      `r${++count}`,
    );
  }

  const router: ScriptedRouter = {
    requests,
    aborted,
    get given() {
      return given;
    },
    script: { steps: [{ text: 'Hello' }, { text: ' there' }] },
    list: [
      { id: TARGET, tier: 'orchestrated', contextTokens: 8192 },
      { id: TARGET, tier: 'direct', contextTokens: 8192 },
      { id: 'anthropic:claude-sonnet-5-5', tier: 'cloud' },
    ],
    embedding: (texts) => Promise.resolve(texts.map((text) => [text.length, 0.5])),
    async complete(request, options) {
      for await (const step of run(request, options?.signal)) {
        if (!('requestId' in step)) continue;
        options?.signal?.throwIfAborted();
        return step;
      }
      throw new Error('The script has no end.');
    },
    async *stream(request, options) {
      yield { type: 'decided', requestId: `r${count + 1}`, decision: DECISION };
      let isCommitted = false;
      for await (const step of run(request, options?.signal)) {
        if (!isCommitted) {
          isCommitted = true;
          yield { type: 'committed', tier: 'direct', target: TARGET, attempts: 1 };
        }
        if ('text' in step) yield { type: 'text', text: step.text };
        else if ('thinking' in step) yield { type: 'thinking', text: step.thinking };
        else if ('call' in step) yield { type: 'tool-call', call: step.call };
        else yield { type: 'finished', answer: step };
      }
    },
    explain: () => Promise.resolve(DECISION),
    models: () => Promise.resolve(router.list),
    embed: async (texts) => ({
      target: TARGET,
      vectors: await router.embedding(texts),
      usage: { inputTokens: texts.length, outputTokens: 0 },
    }),
    close: () => Promise.resolve(),
  };
  return router;
}

function aborts(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) resolve();
    signal?.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** A step that waits until it is released. */
export function hold(): { step: { until: Promise<void> }; release: () => void } {
  let release = (): void => {};
  const until = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { step: { until }, release: () => release() };
}

/** An answer of the scripted router. */
export function answerOf(completion: Partial<Completion>, requestId = 'r1'): RouteAnswer {
  return {
    requestId,
    completion: {
      model: 'small:1b',
      text: '',
      finishReason: 'stop',
      usage: USAGE,
      timing: { measured: true, ttftMs: 3, totalMs: 10 },
      ...completion,
    },
    tier: 'direct',
    target: TARGET,
    decision: DECISION,
    attempts: 1,
    totalMs: 5,
    overheadMs: 0.25,
    dropped: 0,
  };
}
