import { AppError, messageOf } from '../core/errors.ts';
import type { Clock } from '../core/clock.ts';
import { failureClassOf } from '../providers/failure.ts';
import type { Provider } from '../providers/provider.ts';
import { createHttp, type Http } from './http.ts';
import { measure, type LoadPlan, type MeasureDeps, type MeasureEvent } from './measure.ts';
import { checkModel, findServed } from './model-check.ts';
import type { Probe, ServerFacts, ServerKind } from './probe/facts.ts';
import { loadOllama, ollamaFacts } from './probe/ollama.ts';
import { probe } from './probe/probe.ts';
import { uniqueRequests } from './prompts.ts';
import type { Check, TargetReport } from './result.ts';
import { takeSample } from './sample.ts';
import type { OpenTarget, Target } from './target.ts';
import { isLoopback } from './watch.ts';

export interface ExamineDeps extends MeasureDeps {
  fetch: typeof fetch;
  open: OpenTarget;
}

export interface ExaminePlan {
  /** `undefined` for no load at all. */
  load: LoadPlan | undefined;
  maxTokens: number;
  /** Milliseconds that loading a model may take. */
  loadMs: number;
}

export type ExamineEvent = { type: 'check'; check: Check } | MeasureEvent;

/** Looks at one local target from its address to its speed. Later looks need the earlier ones to be good. */
export async function* examineLocal(
  target: Target,
  plan: ExaminePlan,
  deps: ExamineDeps,
  signal: AbortSignal,
): AsyncGenerator<ExamineEvent, TargetReport> {
  const report = blank(target);
  const add = (check: Check): ExamineEvent => {
    report.checks.push(check);
    return { type: 'check', check };
  };
  const http = httpOf(target, deps, signal);
  const found = http === undefined ? EMBEDDED : await probe(http);
  yield add(reachable(found));
  if (found.state !== 'reachable') return report;
  let { facts } = found;
  Object.assign(report, described(facts));
  const { model, check } = checkModel(
    http === undefined ? { ...facts, models: [served(target.model ?? 'embedded')] } : facts,
    target.model,
  );
  yield add(check);
  report.model = model;
  if (model === null) return report;

  if (http !== undefined && facts.kind === 'ollama' && plan.load !== undefined) {
    const look = await loadTime(http, facts, model, plan.loadMs);
    report.coldLoadMs = look.ms;
    yield add(look.check);
  }
  const provider = await openOrTell(target, facts.kind, model, deps);
  if ('detail' in provider) {
    yield add(provider);
    return report;
  }
  try {
    const first = await firstAnswer(provider, plan.maxTokens, deps.clock, signal);
    yield add(first.check);
    if (facts.kind === 'ollama' && http !== undefined) {
      facts = await ollamaFacts(http, facts.version ?? '');
      report.models = facts.models;
    }
    const has = await contextOf(provider, facts, model);
    report.contextTokens = { has, needs: first.needs };
    yield add(context(facts.kind, has, first.needs));
    yield add(adapters(facts));
    const vectors = await embeddings(provider, signal);
    report.embeddingDimensions = vectors.dimensions;
    yield add(vectors.check);
    report.ready = report.checks.every(({ state }) => state !== 'failed');
    if (report.ready && plan.load === undefined) {
      report.load = { state: 'skipped', reason: 'none was asked for' };
    } else if (report.ready && plan.load !== undefined) {
      const watched = http && { http, facts };
      report.load = yield* measure(provider, watched, plan.load, deps, signal);
    }
    return report;
  } finally {
    await provider.shutdown();
  }
}

/** A tier that costs money: only whether it is there and takes the key. */
export async function* examineCloud(
  target: Target,
  deps: Pick<ExamineDeps, 'open'>,
): AsyncGenerator<ExamineEvent, TargetReport> {
  const report = blank(target);
  report.kind = 'anthropic';
  report.load = { state: 'skipped', reason: 'a cloud tier costs money: no request was sent to it' };
  const provider = await openOrTell(target, 'anthropic', target.model ?? '', deps);
  if ('detail' in provider) {
    report.checks.push(provider);
    yield { type: 'check', check: provider };
    return report;
  }
  try {
    const health = await provider.health();
    const check: Check =
      health.state === 'ready'
        ? { id: 'reachable', state: 'ok', detail: health.detail }
        : { id: 'reachable', state: 'failed', detail: health.detail, hint: health.hint };
    report.checks.push(check);
    report.model = target.model;
    report.ready = check.state === 'ok';
    yield { type: 'check', check };
    return report;
  } finally {
    await provider.shutdown();
  }
}

/** The provider, or why there is none. */
async function openOrTell(
  target: Target,
  kind: ServerKind,
  model: string,
  { open }: Pick<ExamineDeps, 'open'>,
): Promise<Provider | Check> {
  try {
    return await open(target, kind, model);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const { message: detail, hint } = error;
    return { id: 'model', state: 'failed', detail, ...(hint === undefined ? {} : { hint }) };
  }
}

function httpOf(target: Target, { fetch, clock }: ExamineDeps, signal: AbortSignal) {
  const { url, apiKey } = target;
  return url === null ? undefined : createHttp({ url, apiKey, fetch, clock, signal });
}

function blank(target: Target): TargetReport {
  return {
    tier: target.tier,
    name: target.name,
    url: target.url,
    kind: null,
    version: null,
    model: target.model,
    ready: false,
    checks: [],
    models: [],
    adapters: null,
    contextTokens: { has: null, needs: null },
    coldLoadMs: null,
    embeddingDimensions: null,
    load: { state: 'skipped', reason: 'the tier is not ready' },
  };
}

const EMBEDDED: Probe = {
  state: 'reachable',
  facts: { kind: 'embedded', version: null, models: [], adapters: null, slots: 1, gpu: null },
};

function served(id: string) {
  return { id, contextTokens: null, loaded: null, adapts: null };
}

function described({ kind, version, models, adapters: names }: ServerFacts) {
  return { kind, version, models, adapters: names };
}

const TITLES: Record<ServerKind, string> = {
  ollama: 'Ollama',
  vllm: 'vLLM',
  'llama-server': 'llama-server',
  'openai-compatible': 'an OpenAI-compatible server',
  anthropic: 'Anthropic',
  embedded: 'the embedded engine',
};

function reachable(found: Probe): Check {
  if (found.state !== 'reachable') {
    return { id: 'reachable', state: 'failed', detail: found.detail, hint: found.hint };
  }
  const { kind, version } = found.facts;
  const detail = version === null ? TITLES[kind] : `${TITLES[kind]} ${version}`;
  return { id: 'reachable', state: 'ok', detail };
}

/** Unloads and loads the model of an Ollama on this machine; another machine's model is left where it is. */
async function loadTime(http: Http, facts: ServerFacts, model: string, loadMs: number) {
  const id = 'load-time' as const;
  const loaded = findServed(facts.models, model)?.loaded === true;
  if (loaded && !isLoopback(new URL(http.url).hostname)) {
    const detail = 'the model was in memory and was left there';
    return { ms: null, check: { id, state: 'absent', detail } satisfies Check };
  }
  const ms = await loadOllama(http, model, loadMs);
  const check: Check =
    ms === undefined
      ? { id, state: 'warning', detail: 'the server did not say how long it loaded the model' }
      : { id, state: 'ok', detail: `${(ms / 1000).toFixed(1)} s until the model was in memory` };
  return { ms: ms ?? null, check };
}

async function firstAnswer(
  provider: Provider,
  maxTokens: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<{ needs: number | null; check: Check }> {
  const request = uniqueRequests(() => 0, maxTokens)();
  const sample = await takeSample(provider, request, clock, signal);
  const id = 'answer' as const;
  if (sample.state === 'failed') {
    const hint =
      sample.failure === 'context-too-long' ? LONGER_CONTEXT : 'Read the log of the server.';
    const detail = `${sample.failure}: ${sample.message}`;
    return { needs: null, check: { id, state: 'failed', detail, hint } };
  }
  const seconds = ((sample.endedMs - sample.startedMs) / 1000).toFixed(1);
  const tokens =
    sample.outputTokens === null ? 'tokens not counted' : `${sample.outputTokens} tokens`;
  const needs = sample.inputTokens === null ? null : sample.inputTokens + maxTokens;
  return { needs, check: { id, state: 'ok', detail: `first answer in ${seconds} s, ${tokens}` } };
}

const LONGER_CONTEXT =
  'Start the server with a longer context (llama-server -c, vllm --max-model-len, OLLAMA_CONTEXT_LENGTH).';

async function contextOf(provider: Provider, facts: ServerFacts, model: string) {
  const told = findServed(facts.models, model)?.contextTokens;
  return told ?? (await provider.metadata()).contextTokens ?? null;
}

function context(kind: ServerKind, has: number | null, needs: number | null): Check {
  const id = 'context' as const;
  if (has === null) return { id, state: 'absent', detail: `${TITLES[kind]} does not say` };
  if (needs === null) return { id, state: 'ok', detail: `${has} tokens` };
  return has >= needs
    ? { id, state: 'ok', detail: `${has} tokens, ${needs} needed` }
    : { id, state: 'failed', detail: `${has} tokens, ${needs} needed`, hint: LONGER_CONTEXT };
}

function adapters({ kind, adapters: names }: ServerFacts): Check {
  const id = 'adapters' as const;
  if (names === null) return { id, state: 'absent', detail: `${TITLES[kind]} lists none` };
  if (names.length === 0) return { id, state: 'absent', detail: 'no LoRA adapter is loaded' };
  return { id, state: 'ok', detail: names.join(', ') };
}

async function embeddings(
  provider: Provider,
  signal: AbortSignal,
): Promise<{ dimensions: number | null; check: Check }> {
  const id = 'embeddings' as const;
  try {
    const [vector] = await provider.embed(['a test of embeddings'], { signal });
    const dimensions = vector?.length ?? null;
    return { dimensions, check: { id, state: 'ok', detail: `${dimensions ?? 0} dimensions` } };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof AppError)) throw error;
    const detail =
      failureClassOf(error) === 'unsupported' ? 'not with this model' : messageOf(error);
    return { dimensions: null, check: { id, state: 'absent', detail } };
  }
}
