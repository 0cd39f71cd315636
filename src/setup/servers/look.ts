import { z } from 'zod';
import type { ServerConfig } from '../../config/schema.ts';
import type { Environment } from '../model-folder.ts';
import { get, type Answer, type GetDeps } from './get.ts';

/** A server that runs models, as opposed to one that bills for them. */
export type ModelServer = Exclude<ServerConfig, { kind: 'anthropic' }>;

export interface ServedModel {
  name: string;
  /** Size of its files; absent where the server does not say. */
  bytes?: number;
}

/** What one configured server says of itself. */
export type ServerLook = {
  /** As in the configuration. */
  name: string;
  kind: ModelServer['kind'];
  /** Base address without a slash at its end. */
  url: string;
} & (
  | { state: 'up'; models: readonly ServedModel[]; version?: string }
  | { state: 'loading' | 'refused' | 'absent' }
  /** Something answers, but not as such a server does. */
  | { state: 'stranger'; status: number }
);

export interface LookDeps extends GetDeps {
  /** Holds the servers' keys, which are sent to their server and never shown. */
  env: Environment;
}

const versionSchema = z.object({ version: z.string() });
const tagsSchema = z.object({
  models: z.array(
    z.object({
      name: z.string(),
      size: z.number().optional(),
      // A model that Ollama only passes on to its maker's cloud: not on this machine, whatever its name.
      remote_host: z.string().optional(),
    }),
  ),
});
const modelsSchema = z.object({ data: z.array(z.object({ id: z.string() })) });

/** Asks every server that runs models what it has, all at once. A server that bills is not asked. */
export async function lookAtServers(
  servers: Readonly<Record<string, ServerConfig>>,
  deps: LookDeps,
): Promise<ServerLook[]> {
  const looks = Object.entries(servers).flatMap(([name, server]) =>
    server.kind === 'anthropic' ? [] : [lookAtServer(name, server, deps)],
  );
  return Promise.all(looks);
}

export function lookAtServer(
  name: string,
  server: ModelServer,
  deps: LookDeps,
): Promise<ServerLook> {
  return server.kind === 'ollama'
    ? lookAtOllama(name, server, deps)
    : lookAtOpenAiCompatible(name, server, deps);
}

async function lookAtOllama(
  name: string,
  server: ModelServer,
  deps: LookDeps,
): Promise<ServerLook> {
  const url = server.url.replace(/\/+$/, '');
  const base = { name, kind: server.kind, url };
  const answer = await get(`${url}/api/version`, deps);
  const version = versionSchema.safeParse(answer?.json);
  if (answer?.ok !== true || !version.success) return { ...base, ...absence(answer) };
  const tags = tagsSchema.safeParse((await get(`${url}/api/tags`, deps))?.json);
  const models = (tags.data?.models ?? [])
    .filter((model) => model.remote_host === undefined)
    .map((model) => ({
      name: model.name,
      ...(model.size === undefined ? {} : { bytes: model.size }),
    }));
  return { ...base, state: 'up', version: version.data.version, models };
}

async function lookAtOpenAiCompatible(
  name: string,
  server: Extract<ModelServer, { kind: 'openai-compatible' }>,
  deps: LookDeps,
): Promise<ServerLook> {
  const url = server.url.replace(/\/+$/, '');
  const base = { name, kind: server.kind, url };
  const key = server.apiKeyEnv === undefined ? undefined : deps.env[server.apiKeyEnv];
  const answer = await get(
    `${url}/v1/models`,
    deps,
    key === undefined || key === '' ? {} : { authorization: `Bearer ${key}` },
  );
  const list = modelsSchema.safeParse(answer?.json);
  if (answer?.ok === true && list.success) {
    return { ...base, state: 'up', models: list.data.data.map(({ id }) => ({ name: id })) };
  }
  if (answer?.status === 503) return { ...base, state: 'loading' };
  if (answer?.status === 401 || answer?.status === 403) return { ...base, state: 'refused' };
  return { ...base, ...absence(answer) };
}

function absence(
  answer: Answer | undefined,
): { state: 'absent' } | { state: 'stranger'; status: number } {
  return answer === undefined ? { state: 'absent' } : { state: 'stranger', status: answer.status };
}
