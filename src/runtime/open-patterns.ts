import { fileURLToPath } from 'node:url';
import type { LoadedConfig } from '../config/load.ts';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import { createAgentDbMigration, type AgentDbMigration } from '../patterns/agentdb/migration.ts';
import { createCachedEmbedder } from '../patterns/embedders/cached-embedder.ts';
import type { Embedder } from '../patterns/embedders/embedder.ts';
import { createProviderEmbedder } from '../patterns/embedders/provider-embedder.ts';
import { createRecallLog, type RecallLog } from '../patterns/recalls.ts';
import { reindex, type ReindexEvent } from '../patterns/reindex.ts';
import { createReviews, type Reviews } from '../patterns/review/reviews.ts';
import { createSqliteStore } from '../patterns/sqlite-store.ts';
import type { PatternStore } from '../patterns/store.ts';
import type { Provider } from '../providers/provider.ts';
import { describe } from '../routing/describe.ts';
import { maySeePrivate } from '../routing/targets.ts';
import { openDatabase } from '../storage/database.ts';
import type { LocalModel } from '../runtime.ts';

/** The embedder that comes with the package. */
const PACKAGED: LocalModel = {
  id: 'all-minilm-l6-v2',
  path: fileURLToPath(new URL('../../models/all-minilm-l6-v2-q8_0.gguf', import.meta.url)),
};

/** The pattern store of a state folder, and the embedder that its vectors come from. */
export interface Patterns {
  store: PatternStore;
  embedder: Embedder;
  /** Whether the embedder's server may see private prompts. */
  maySeePrivate: boolean;
  /** What was looked up and how it turned out. */
  log: RecallLog;
  reviews: Reviews;
  agentDb: AgentDbMigration;
  /** Changes the store over to the embedder. */
  reindex(signal: AbortSignal): AsyncIterable<ReindexEvent>;
  close(): Promise<void>;
}

export interface PatternsDeps {
  config: LoadedConfig;
  clock: Clock;
  openEmbedded: (model: LocalModel) => Provider;
  /** A model of a server, retried. */
  openSteady: (spec: string) => Promise<Provider>;
  onTrouble: (message: string) => void;
}

/** @throws AppError `storage.*`, `config.unknown-server`, `patterns.private` */
export async function openPatterns(deps: PatternsDeps): Promise<Patterns> {
  const { config, clock, openEmbedded, onTrouble } = deps;
  const server = config.servers[config.patterns.embedder.split(':')[0] ?? ''];
  const isAllowed = server === undefined || maySeePrivate(server, 'direct');
  if (!isAllowed && config.routing.strategy === 'privacy-first') {
    throw new AppError(
      'patterns.private',
      `Privacy comes first here, and ${config.patterns.embedder} is on a server that may not see private prompts.`,
      {
        hint: 'Set patterns.embedder to embedded:all-minilm-l6-v2, or mark the server as private if it is yours.',
      },
    );
  }
  const [kind, ...rest] = config.patterns.embedder.split(':');
  const model = rest.join(':');
  const provider =
    kind === 'embedded'
      ? openEmbedded(model === '' || model === PACKAGED.id ? PACKAGED : { id: model, path: model })
      : await deps.openSteady(config.patterns.embedder);
  const database = openDatabase(config.state);
  const bare = createSqliteStore({ database, folder: config.state, onTrouble });
  const embedder = createCachedEmbedder(createProviderEmbedder(provider), database, clock);
  const agentDb = createAgentDbMigration({
    database,
    store: bare,
    embedder,
    clock,
    categoryOf: (prompt) => describe({ messages: [{ role: 'user', content: prompt }] }).category,
    onTrouble,
  });
  const store = agentDb.mirrored;
  return {
    store,
    embedder,
    maySeePrivate: isAllowed,
    agentDb,
    log: createRecallLog(database),
    reviews: createReviews(database, store, clock),
    reindex: (signal) => reindex(database, embedder, signal),
    close: async () => {
      await embedder.close();
      await store.close();
    },
  };
}
