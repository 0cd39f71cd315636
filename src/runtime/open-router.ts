import { randomUUID } from 'node:crypto';
import type { LoadedConfig } from '../config/load.ts';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { RandomIndex } from '../core/random.ts';
import type { Charges } from '../ledger/charge.ts';
import { recordHere } from '../ledger/recorder.ts';
import { recordApart } from '../ledger/recorder-thread.ts';
import { createLedger } from '../ledger/sqlite-ledger.ts';
import { ProviderFailure } from '../providers/failure.ts';
import type { Provider } from '../providers/provider.ts';
import { createEvidence, type BaselineEvidence } from '../quality/evidence.ts';
import type { Grade } from '../rollout/compare.ts';
import { openRollout } from '../rollout/face.ts';
import { createRolloutStore } from '../rollout/store.ts';
import type { Description, QualityEvidence } from '../routing/decision.ts';
import type { Router } from '../routing/router.ts';
import { createSessions } from '../routing/sessions.ts';
import { createTargetPool } from '../routing/target-pool.ts';
import { splitSpec, type Inventory } from '../routing/targets.ts';
import { createRouter, type RouterEvent } from '../routing/walk.ts';
import { openMemory, type MemoryDeps } from './open-memory.ts';
import { openDatabase } from '../storage/database.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { LocalModel, WantedModel } from '../runtime.ts';

export interface RouterDeps {
  config: LoadedConfig;
  clock: Clock;
  random: RandomIndex;
  telemetry: Telemetry;
  charges: Charges;
  onEvent: (event: RouterEvent) => void;
  /** Many requests at once: the ledger is written in a thread of its own. */
  busy: boolean;
  wantModel: (name: string | undefined) => Promise<WantedModel>;
  /** Where a model of the catalogue lies; `undefined` when it is not here. */
  locate: (model: Extract<WantedModel, { kind: 'catalogue' }>) => Promise<string | undefined>;
  openEmbedded: (model: LocalModel) => Provider;
  openServer: (spec: string) => Promise<Provider>;
  askServer: (name: string) => Promise<Inventory | undefined>;
  openPatterns: MemoryDeps['openPatterns'];
  sharedPatterns?: MemoryDeps['sharedPatterns'];
  judge: MemoryDeps['judge'];
  grade: Grade;
}

/** Milliseconds that a request waits for another process's write. */
const LOCK_MS = 1000;
/** Milliseconds that what a rollout observes waits for another process's write before it is tried again. */
const TICK_LOCK_MS = 50;
/** Milliseconds that requests have to end when the router is closed. */
const CLOSE_MS = 10_000;
/** Milliseconds that what baselines have measured is believed before it is read again. */
const EVIDENCE_MS = 60_000;

/** Puts the router together: its database, its targets, its sessions. Nothing is sent yet. */
export function openRouter(deps: RouterDeps): Router {
  const { config, clock, random, telemetry, onEvent } = deps;
  const { routing, tiers, servers, breaker, deadlines } = config;
  const database = openDatabase(config.state, { lockMs: LOCK_MS });
  const recorder = deps.busy
    ? recordApart({ stateFolder: config.state, lockMs: LOCK_MS }, database)
    : recordHere(createLedger(database));
  const onTrouble = (error: unknown): void =>
    onEvent({ type: 'trouble', message: messageOf(error) });
  const embedded = new Map<string, WantedModel>();

  async function openEmbedded(id: string): Promise<Provider> {
    const wanted = embedded.get(id) ?? (await deps.wantModel(id));
    const file = wanted.kind === 'file' ? wanted.path : await deps.locate(wanted);
    if (file !== undefined) return deps.openEmbedded({ id: wanted.id, path: file });
    throw new ProviderFailure('model-missing', `The embedded model ${id} is not here yet.`, {
      hint: `Fetch it with: aqe-llm setup models ${id}`,
    });
  }

  const pool = createTargetPool({
    tiers,
    servers,
    breaker,
    totalMs: deadlines.totalMs,
    database,
    clock,
    random,
    charges: deps.charges,
    askServer: deps.askServer,
    embeddedModel: async (name) => {
      const wanted = await deps.wantModel(name ?? config.embedded.model);
      embedded.set(wanted.id, wanted);
      return wanted.id;
    },
    openProvider: (spec) => {
      const { server, model } = splitSpec(spec);
      return server === 'embedded' ? openEmbedded(model) : deps.openServer(spec);
    },
    qualityOf: measuredQuality(createEvidence(database), telemetry, clock),
    onBreaker: (change) => {
      telemetry.breakerChanged(change.breaker, change.to);
      onEvent({ type: 'breaker', change });
      recorder.event({ at: change.at, kind: 'breaker', detail: change }).catch(onTrouble);
    },
    onTrouble,
  });
  const memory = config.patterns.cache === 'off' ? undefined : openMemory({ ...deps, onTrouble });
  const observed = openDatabase(config.state, { lockMs: LOCK_MS });
  // What is observed can wait for the next tick, and requests for neither a lock nor a checkpoint.
  observed.pragma(`busy_timeout = ${TICK_LOCK_MS}`);
  if (deps.busy) observed.pragma('wal_autocheckpoint = 0');
  const rollout = openRollout({
    store: createRolloutStore(observed),
    grade: deps.grade,
    clock,
    allPrivate: routing.strategy === 'privacy-first',
    lasting: deps.busy,
    onNews: (news) => onEvent({ type: 'rollout', ...news }),
    onTrouble,
  });
  const router = createRouter({
    settings: routing,
    pool,
    recorder,
    sessions: createSessions({
      database,
      clock,
      sessionHours: routing.sessionHours,
      holder: randomUUID(),
    }),
    telemetry,
    clock,
    random,
    onEvent,
    closeMs: CLOSE_MS,
    faces: { ...memory, rollout },
  });
  return {
    ...router,
    close: async () => {
      await rollout.stop();
      await router.close();
      await rollout.close();
      await memory?.close();
      observed.close();
      database.close();
    },
  };
}

/** A baseline's word on a target counts for the categories whose tasks it ran. */
function measuredQuality(
  evidenceOf: (candidate: string) => BaselineEvidence | undefined,
  telemetry: Telemetry,
  clock: Clock,
): (spec: string, description: Description) => QualityEvidence | undefined {
  const known = new Map<string, { evidence: BaselineEvidence | undefined; at: number }>();
  return (spec, { category }) => {
    let entry = known.get(spec);
    const now = clock.monotonic();
    if (entry === undefined || now - entry.at > EVIDENCE_MS) {
      entry = { evidence: evidenceOf(spec), at: now };
      if (entry.evidence !== undefined) telemetry.qualityMeasured(spec, entry.evidence.ratio);
      known.set(spec, entry);
    }
    const { evidence } = entry;
    if (evidence === undefined || !evidence.categories.includes(category)) return undefined;
    const { ratio, lower, tasks: n, runId } = evidence;
    return { mean: Math.min(1, ratio), lower: Math.min(1, lower), n, source: `baseline ${runId}` };
  };
}
