import { z } from 'zod';
import { failureClassOf } from '../failure.ts';
import { parseJson, type HttpClient } from '../http/http-client.ts';

/** How many requests vLLM batches at once where nobody says otherwise. */
const VLLM_CONCURRENCY = 16;

export interface ServedModel {
  id: string;
  aliases: readonly string[];
  /** The model that this one is a LoRA adapter of. */
  parent?: string;
  /** Where the server found it: a folder, a file, or a name on the hub. */
  root?: string;
}

/** What a server tells of itself. */
export interface Server {
  kind: 'llama-server' | 'vllm' | 'unknown';
  /** Absent where the server does not list them. */
  models?: readonly ServedModel[];
  /** Most tokens of prompt and answer together. */
  contextTokens?: number;
  concurrency: number;
  versions: Record<string, string>;
}

const modelsSchema = z.looseObject({
  data: z.array(
    z.looseObject({
      id: z.string(),
      aliases: z.array(z.string()).nullish(),
      owned_by: z.string().nullish(),
      parent: z.string().nullish(),
      root: z.string().nullish(),
      max_model_len: z.int().min(1).nullish(),
    }),
  ),
});
const versionSchema = z.looseObject({ version: z.string() });
const propsSchema = z.looseObject({
  total_slots: z.int().min(1),
  default_generation_settings: z.looseObject({ n_ctx: z.int().min(1).nullish() }).nullish(),
  build_info: z.string().nullish(),
  model_ftype: z.string().nullish(),
});

/**
 * Asks what runs there. What the server does not answer stays unknown; a server that is not there
 * throws `transport` or `timeout`.
 */
export async function describeServer(client: HttpClient, signal: AbortSignal): Promise<Server> {
  const get = async <T>(schema: z.ZodType<T>, path: string): Promise<T | undefined> => {
    const { status, text } = await client.send({ method: 'GET', path, signal });
    const parsed = schema.safeParse(status < 300 ? parseJson(text) : undefined);
    return parsed.success ? parsed.data : undefined;
  };
  const listed = await get(modelsSchema, '/v1/models').catch(unlessGone);
  const [props, version] = await Promise.all([
    get(propsSchema, '/props').catch(unlessGone),
    get(versionSchema, '/version').catch(unlessGone),
  ]);
  const owners = new Set(listed?.data.map((model) => model.owned_by));
  const models = listed?.data.map(({ id, aliases, parent, root }): ServedModel => ({
    id,
    aliases: aliases ?? [],
    ...(parent ? { parent } : {}),
    ...(root ? { root } : {}),
  }));
  const list = models === undefined ? {} : { models };
  if (props !== undefined || owners.has('llamacpp')) {
    const contextTokens = props?.default_generation_settings?.n_ctx ?? undefined;
    return {
      kind: 'llama-server',
      ...list,
      ...(contextTokens === undefined ? {} : { contextTokens }),
      concurrency: props?.total_slots ?? 1,
      versions: {
        'llama-server': props?.build_info ?? 'unknown',
        ...(props?.model_ftype ? { quantisation: props.model_ftype } : {}),
      },
    };
  }
  // An adapter has no length of its own.
  const length = listed?.data.find((model) => model.max_model_len)?.max_model_len ?? undefined;
  const context = length === undefined ? {} : { contextTokens: length };
  if (owners.has('vllm')) {
    const versions = { vllm: version?.version ?? 'unknown' };
    return { kind: 'vllm', ...list, ...context, concurrency: VLLM_CONCURRENCY, versions };
  }
  const versions: Record<string, string> = version === undefined ? {} : { server: version.version };
  return { kind: 'unknown', ...list, ...context, concurrency: 1, versions };
}

function unlessGone(error: unknown): undefined {
  const failure = failureClassOf(error);
  if (failure === 'malformed' || failure === 'truncated-stream') return undefined;
  throw error;
}

/** The model that goes by `name`: its id, an alias, or a GGUF file's name with or without `.gguf`. */
export function findServedModel(
  models: readonly ServedModel[],
  name: string,
): ServedModel | undefined {
  const fileName = (id: string): string => id.replace(/^.*[/\\]/, '').replace(/\.gguf$/, '');
  return (
    models.find((model) => model.id === name || model.aliases.includes(name)) ??
    models.find(({ id }) => id.endsWith('.gguf') && fileName(id) === fileName(name))
  );
}
