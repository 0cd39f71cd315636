import type { Config, ServerConfig } from '../config/schema.ts';
import { reckon } from '../config/prices/price-book.ts';
import type { Clock } from '../core/clock.ts';
import type { RandomIndex } from '../core/random.ts';
import type { Charge, Charges } from '../ledger/charge.ts';
import { failureClassOf, traitsOf } from '../providers/failure.ts';
import type { Provider, ProviderMetadata } from '../providers/provider.ts';
import type { Database } from '../storage/database.ts';
import { createResilientProvider, type AttemptReport, type ResilientProvider } from './attempt.ts';
import {
  createCircuitBreaker,
  type BreakerChange,
  type CircuitBreaker,
} from './circuit-breaker.ts';
import type { Description, QualityEvidence, Target, TargetState } from './decision.ts';
import {
  asksServers,
  maySeePrivate,
  resolveTargets,
  splitSpec,
  type TargetSources,
} from './targets.ts';

export interface TargetPoolOptions extends TargetSources {
  servers: Readonly<Record<string, ServerConfig>>;
  breaker: Config['breaker'];
  /** Milliseconds for a whole call of a target, its retries included. */
  totalMs: number;
  database: Database;
  clock: Clock;
  random: RandomIndex;
  charges: Charges;
  /** @throws AppError where the target cannot be opened */
  openProvider: (spec: string) => Promise<Provider>;
  /** What was measured of a target for requests like this; `undefined` where nothing was. */
  qualityOf: (spec: string, description: Description) => QualityEvidence | undefined;
  onBreaker: (change: BreakerChange) => void;
  /** Told of what goes wrong without a caller being worse off. */
  onTrouble: (error: unknown) => void;
}

/** The targets with what is known of each. */
export interface TargetPool {
  /** Who may be asked; servers that choose models are asked again from time to time. */
  targets(): Promise<readonly Target[]>;
  /** As of now, of the targets as they were given last. */
  states(description: Description): TargetState[];
  open(spec: string): Promise<ResilientProvider>;
  /** Local models that may have embeddings: the named one, or all that are targets. */
  embedders(model: string | undefined): Promise<string[]>;
  /** Most tokens of prompt and answer. May load the model; `undefined` where unknown. */
  contextTokens(spec: string): Promise<number | undefined>;
  /** The same where it is known without asking. */
  knownContextTokens(spec: string): number | undefined;
  /** Requests that it answers at once without slowing each other down. May load the model; `undefined` where unknown. */
  concurrency(spec: string): Promise<number | undefined>;
  /** The same where it is known without asking. */
  knownConcurrency(spec: string): number | undefined;
  attemptStarted(spec: string): void;
  attemptEnded(spec: string, report: AttemptReport): void;
  chargeOf(target: Pick<Target, 'spec' | 'tier'>, report: AttemptReport): Charge;
  /** Failures of local targets in a row, since one of them answered. */
  localFailures(): number;
  close(): Promise<void>;
}

/** Milliseconds that the list of a server's models is believed. */
const INVENTORY_MS = 60_000;
/** Milliseconds that a target counts as gone after it was found so. */
const GONE_MS = 30_000;
/** Weight of the newest answer in the mean of times. */
const NEWEST = 0.3;
/** Tokens of a usual prompt and answer, for an estimate of what a request costs. */
const USUAL = { inputTokens: 1500, outputTokens: 500 };

interface Live {
  breaker: CircuitBreaker;
  opened?: Promise<ResilientProvider> | undefined;
  metadata?: ProviderMetadata | undefined;
  inFlight: number;
  latency?: { ttftMs: number; msPerToken: number };
  gone?: { what: 'gpu-gone' | 'model-not-loaded'; until: number } | undefined;
}

export function createTargetPool(options: TargetPoolOptions): TargetPool {
  const { servers, clock, random, charges, totalMs, database, onTrouble, onBreaker } = options;
  const lives = new Map<string, Live>();
  const lasting = !asksServers(options.tiers);
  let listed: { targets: readonly Target[]; at: number } | undefined;
  let listing: Promise<readonly Target[]> | undefined;
  let localFailures = 0;

  async function list(): Promise<readonly Target[]> {
    try {
      const resolved = await resolveTargets(options);
      listed = { targets: resolved, at: clock.monotonic() };
      return resolved;
    } finally {
      listing = undefined;
    }
  }

  function liveOf(spec: string): Live {
    const known = lives.get(spec);
    if (known !== undefined) return known;
    const settings = { ...options.breaker, latencyMs: latencyLimit(spec) };
    const breaker = createCircuitBreaker({
      database,
      id: spec,
      settings,
      clock,
      onChange: onBreaker,
    });
    const live: Live = { breaker, inFlight: 0 };
    lives.set(spec, live);
    return live;
  }

  /** A slow answer is better than none: the only target for private prompts is left alone for failures alone. */
  function latencyLimit(spec: string): number {
    const others = listed?.targets.filter((it) => it.maySeePrivate && it.spec !== spec) ?? [];
    return others.length > 0 ? options.breaker.latencyMs : Infinity;
  }

  async function openTarget(spec: string, live: Live): Promise<ResilientProvider> {
    try {
      const provider = await options.openProvider(spec);
      const { breaker } = live;
      return createResilientProvider(provider, { breaker, clock, random, totalMs, onTrouble });
    } catch (error) {
      // It may be there the next time.
      live.opened = undefined;
      if (failureClassOf(error) === 'model-missing') markGone(live, 'model-not-loaded');
      throw error;
    }
  }

  async function open(spec: string): Promise<ResilientProvider> {
    const live = liveOf(spec);
    live.opened ??= openTarget(spec, live);
    return live.opened;
  }

  async function describeTarget(spec: string): Promise<ProviderMetadata | undefined> {
    const live = liveOf(spec);
    try {
      const provider = await open(spec);
      live.metadata ??= await provider.metadata();
    } catch {
      // The call itself will say what is wrong with it.
    }
    return live.metadata;
  }

  function markGone(live: Live, what: 'gpu-gone' | 'model-not-loaded'): void {
    live.gone = { what, until: clock.monotonic() + GONE_MS };
  }

  function isLocal(spec: string): boolean {
    return servers[splitSpec(spec).server]?.kind !== 'anthropic' && !isCloud(spec);
  }

  function isCloud(spec: string): boolean {
    return listed?.targets.some((it) => it.spec === spec && it.tier === 'cloud') === true;
  }

  function noteFailure(live: Live, { failure }: AttemptReport): void {
    if (failure === undefined) return;
    if (failure.failure === 'model-missing') markGone(live, 'model-not-loaded');
    if (isGpuLoss(failure.message)) markGone(live, 'gpu-gone');
  }

  function noteLatency(live: Live, { ttftMs, totalMs: wholeMs, usage }: AttemptReport): void {
    if (ttftMs === undefined) return;
    const tokens = (usage?.outputTokens ?? 0) - 1;
    const before = live.latency;
    const pace = tokens > 0 ? (wholeMs - ttftMs) / tokens : (before?.msPerToken ?? 0);
    live.latency = {
      ttftMs: towards(before?.ttftMs, ttftMs),
      msPerToken: towards(before?.msPerToken, pace),
    };
  }

  function estimatedUsd({ spec, tier }: Target): { estimatedUsd?: number } {
    const now = clock.now();
    if (charges.isSelfHosted(spec, tier, now)) return { estimatedUsd: 0 };
    const price = charges.priceOf(spec, now);
    const usual = price && reckon(USUAL, price);
    return usual === undefined ? {} : { estimatedUsd: usual.usd };
  }

  function stateOf(target: Target, description: Description): TargetState {
    const { spec } = target;
    const live = liveOf(spec);
    const { state, opened } = live.breaker.outlook();
    const gone = live.gone !== undefined && live.gone.until > clock.monotonic();
    const quality = options.qualityOf(spec, description);
    return {
      breaker: state,
      ...(opened === undefined ? {} : { opened }),
      inFlight: live.inFlight,
      concurrency: live.metadata?.concurrency ?? 1,
      ...target,
      ...(gone && live.gone !== undefined ? { gone: live.gone.what } : {}),
      ...(live.latency === undefined ? {} : { latency: live.latency }),
      ...estimatedUsd(target),
      ...(quality === undefined ? {} : { quality }),
    };
  }

  async function targets(): Promise<readonly Target[]> {
    const isFresh = lasting || (listed && clock.monotonic() - listed.at < INVENTORY_MS);
    if (listed !== undefined && isFresh === true) return listed.targets;
    listing ??= list();
    return listing;
  }

  async function embedders(model: string | undefined): Promise<string[]> {
    const local = (await targets()).filter((it) => it.maySeePrivate && it.tier !== 'cloud');
    const specs = [...new Set(local.map(({ spec }) => spec))];
    if (model === undefined) return specs;
    const named = specs.filter((spec) => spec === model || splitSpec(spec).model === model);
    if (named.length > 0) return named;
    const { server } = splitSpec(model);
    if (server in servers) return mayEmbed(server) ? [model] : [];
    const homes = new Set(specs.map((spec) => splitSpec(spec).server).filter(mayEmbed));
    return [...homes].map((home) => `${home}:${model}`);
  }

  function mayEmbed(server: string): boolean {
    const config = servers[server];
    return config !== undefined && maySeePrivate(config, 'direct');
  }

  return {
    targets,
    embedders,
    states: (description) => (listed?.targets ?? []).map((target) => stateOf(target, description)),
    open,
    contextTokens: async (spec) => (await describeTarget(spec))?.contextTokens,
    knownContextTokens: (spec) => lives.get(spec)?.metadata?.contextTokens,
    concurrency: async (spec) => (await describeTarget(spec))?.concurrency,
    knownConcurrency: (spec) => lives.get(spec)?.metadata?.concurrency,
    attemptStarted(spec) {
      liveOf(spec).inFlight += 1;
    },
    attemptEnded(spec, report) {
      const live = liveOf(spec);
      live.inFlight -= 1;
      if (report.outcome === 'ok') {
        live.gone = undefined;
        noteLatency(live, report);
        if (live.metadata === undefined) void describeTarget(spec);
      } else {
        noteFailure(live, report);
      }
      if (!isLocal(spec)) return;
      if (report.outcome === 'ok') localFailures = 0;
      else if (traitsOf(report.outcome).countsForBreaker) localFailures += 1;
    },
    chargeOf: ({ spec, tier }, { startedAt: at, outcome, ttftMs, usage }) =>
      charges.of({ target: spec, tier, at, outcome, ttftMs, usage }),
    localFailures: () => localFailures,
    async close() {
      const opened = [...lives.values()].flatMap((live) => live.opened ?? []);
      await Promise.all(
        opened.map(async (provider) => {
          try {
            await (await provider).shutdown();
          } catch (error) {
            onTrouble(error);
          }
        }),
      );
    },
  };
}

function towards(before: number | undefined, newest: number): number {
  return before === undefined ? newest : before + NEWEST * (newest - before);
}

/** What engines say when the driver has lost its device. */
function isGpuLoss(message: string): boolean {
  return /\b(cuda|rocm|hip|vulkan|metal)\b.*\b(error|lost|unavailable|not found)\b/i.test(message);
}
