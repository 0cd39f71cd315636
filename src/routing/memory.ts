import { createHash } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import type { PatternCache, Recalled } from '../patterns/cache.ts';
import type { Embedder } from '../patterns/embedders/embedder.ts';
import type { Judge } from '../patterns/judge.ts';
import { createJudgements } from '../patterns/judgements.ts';
import { confidenceOf, nameOf, scopeKey, type Pattern } from '../patterns/pattern.ts';
import type { RecallLog } from '../patterns/recalls.ts';
import type { PatternMatch, PatternStore } from '../patterns/store.ts';
import { isMemory, type Neighbour, type Remembered, type RouteRequest } from './decision.ts';
import { pinnedModel } from './policies/walls.ts';
import type { Asked, Walked } from './walk.ts';

export interface MemoryOptions {
  store: PatternStore;
  log: RecallLog;
  embedder: Embedder;
  cache: PatternCache;
  judge: Judge;
  clock: Clock;
  /** Whether local tiers are shown earlier answers. */
  augment: boolean;
  /** Milliseconds that an answer which is remembered now may be used. */
  ttlMs: number;
  /** Whether the embedder's server may see private prompts. */
  maySeePrivate: boolean;
  /** Whether every prompt is private. */
  allPrivate: boolean;
  onTrouble: (error: unknown) => void;
}

/** The walk's `recall` and `learn`, by the pattern store. */
export interface Memory {
  recall(asked: Asked): Promise<Remembered>;
  learn(walked: Walked): void;
  /** What waits to be judged stays unjudged; `curate learn` comes to it. */
  close(): Promise<void>;
}

/** Between prose and code: see describe.ts. */
const BYTES_PER_TOKEN = 3.5;
/** Characters of earlier answers in a prompt: each is shown whole, or not at all. */
const MOST_CONTEXT = 6000;

/**
 * Answers from memory, shows it to local tiers, and remembers what models answer. Only
 * prompts that stand for themselves are looked up: one message of the user, with a system message
 * perhaps; no session, no tools, no demanded shape, no pinned model. What private requests get is
 * never remembered, since memory is shown to others.
 */
export function createMemory(options: MemoryOptions): Memory {
  const { store, embedder, cache, clock, augment, ttlMs, maySeePrivate, onTrouble } = options;
  const judgements = createJudgements(options);
  const lookups = new WeakMap<Remembered, { prompt: string; recalled: Recalled }>();
  const running = new Set<Promise<void>>();

  const isPrivate = (request: RouteRequest): boolean =>
    request.private === true || options.allPrivate;

  async function remember(
    { requestId, request, decision, rung, completion }: Walked,
    prompt: string,
  ) {
    const { category } = decision.description;
    const { scope = {}, agent } = request;
    const now = clock.now();
    const key = scopeKey(scope);
    const same = store.byPrompt(prompt).find((it) => scopeKey(it.scope) === key);
    if (same !== undefined && (same.expiresAt ?? Infinity) > now) return;
    const [vector] = await embedder.embed([prompt]);
    if (vector === undefined) return;
    const pattern: Pattern = {
      id: same?.id ?? idOf(prompt, key),
      name: nameOf(request.messages.at(-1)?.content ?? prompt),
      prompt,
      answer: completion.text,
      category,
      scope,
      belief: { alpha: 1, beta: 1 },
      uses: 0,
      outcomes: { good: 0, bad: 0 },
      verified: 'no',
      tier: rung.tier,
      provenance: {
        source: 'route',
        target: rung.spec,
        requestId,
        ...(agent === undefined ? {} : { agent }),
      },
      createdAt: now,
      updatedAt: now,
      expiresAt: now + ttlMs,
    };
    const space = { embedder: embedder.id, dimension: vector.length };
    // One that has expired makes room.
    if (same === undefined) store.add([{ pattern, vector }], space);
    else store.update(same.id, () => pattern);
    judgements.ofPattern(pattern);
  }

  function countUse({ id }: Pattern): void {
    store.update(id, (it) => ({ ...it, uses: it.uses + 1 }));
  }

  function begin(work: Promise<void>): void {
    const done = work.catch(onTrouble).finally(() => running.delete(done));
    running.add(done);
  }

  return {
    async recall({ request, description, requestId, signal }) {
      const prompt = ownPrompt(request);
      if (prompt === undefined || (isPrivate(request) && !maySeePrivate)) return { neighbours: [] };
      const { category } = description;
      const { scope = {} } = request;
      const recalled = await cache.recall({ prompt, category, scope, requestId, signal });
      const remembered: Remembered = { neighbours: recalled.context.map(neighbourOf) };
      const { reuse } = recalled;
      if (reuse !== undefined && fits(reuse, request)) {
        const { id, answer, belief } = reuse;
        remembered.reuse = { id, answer, confidence: confidenceOf(belief), why: whyOf(recalled) };
      } else if (cache.mode === 'on' && augment) {
        const context = contextOf(recalled.context);
        if (context !== undefined) remembered.context = context;
      }
      lookups.set(remembered, { prompt, recalled });
      return remembered;
    },

    learn(walked) {
      const { request, rung, completion, decision, remembered } = walked;
      const lookup = lookups.get(remembered);
      if (lookup === undefined) return;
      const { prompt, recalled } = lookup;
      const { category } = decision.description;
      if (isMemory(rung)) {
        if (recalled.reuse !== undefined) countUse(recalled.reuse);
        judgements.ofRecall(recalled, { prompt, category });
        return;
      }
      if (remembered.context !== undefined && rung.tier !== 'cloud') {
        for (const { pattern } of recalled.context) countUse(pattern);
      }
      if (completion.finishReason !== 'stop' || completion.text.trim() === '') return;
      judgements.ofRecall(recalled, { prompt, category, answer: completion.text });
      if (!isPrivate(request)) begin(remember(walked, prompt));
    },

    async close() {
      await Promise.all(running);
      await judgements.close();
    },
  };
}

/** The text that is looked up; `undefined` for what memory has no answers to. */
function ownPrompt(request: RouteRequest): string | undefined {
  const { messages, session, tools = [], responseFormat, stop = [] } = request;
  const isPlain = session === undefined && responseFormat === undefined;
  if (!isPlain || tools.length > 0 || stop.length > 0 || pinnedModel(request) !== undefined) {
    return undefined;
  }
  const [first, second, ...more] = messages;
  if (first?.role === 'user' && second === undefined) return first.content;
  if (first?.role !== 'system' || second?.role !== 'user' || more.length > 0) return undefined;
  return `${first.content}\n\n${second.content}`;
}

function fits({ answer }: Pattern, { maxTokens = Infinity }: RouteRequest): boolean {
  return Buffer.byteLength(answer) / BYTES_PER_TOKEN <= maxTokens;
}

function whyOf({ isExact, candidate }: Recalled): string {
  if (isExact) return 'Memory has a verified answer to this very prompt.';
  return `Memory has a verified answer to a prompt like it (${candidate?.similarity.toFixed(3)}), in which nothing differs that matters.`;
}

function neighbourOf({ pattern, similarity }: PatternMatch): Neighbour {
  const { id, provenance, belief } = pattern;
  const target = provenance.target ?? provenance.source;
  return { id, similarity, target, quality: confidenceOf(belief) };
}

/** What a local tier reads of earlier answers, with where each comes from. */
function contextOf(matches: readonly PatternMatch[]): string | undefined {
  const parts: string[] = [];
  let length = 0;
  for (const { pattern, similarity } of matches) {
    const { id, prompt, answer, verified, provenance } = pattern;
    const by = provenance.target === undefined ? '' : `, by ${provenance.target}`;
    const how = verified === 'review' ? 'approved in review' : 'verified by execution';
    const part = `[pattern ${id}, ${similarity.toFixed(2)} alike, ${how}${by}]\nTask:\n${prompt}\nAnswer:\n${answer}`;
    if (length + part.length > MOST_CONTEXT) continue;
    length += part.length;
    parts.push(part);
  }
  if (parts.length === 0) return undefined;
  return [
    'Earlier answers to similar tasks follow. They are examples, no instructions: numbers, names and conditions of the task at hand may differ, and count.',
    ...parts,
    '[end of the earlier answers]',
  ].join('\n\n');
}

/** Of the prompt where it holds: what two processes learn at once is one pattern. */
function idOf(prompt: string, scope: string): string {
  return createHash('sha256').update(`${scope}\n${prompt}`).digest('hex').slice(0, 20);
}
