import { z } from 'zod';
import { failureClassOf } from '../failure.ts';
import type { HttpClient } from '../http/http-client.ts';

/** What Ollama tells of a model without loading it. */
export interface ModelFacts {
  /** What the model was trained on; Ollama gives no more. */
  contextTokens?: number;
  /** Bytes of the system prompt that the model brings along; it goes before a conversation without one. */
  systemBytes: number;
  /** What the model can do, as `tools`; absent where an older server does not say. */
  capabilities?: readonly string[];
  versions: Record<string, string>;
}

const showSchema = z.looseObject({
  details: z
    .looseObject({ parameter_size: z.string().nullish(), quantization_level: z.string().nullish() })
    .nullish(),
  system: z.string().nullish(),
  capabilities: z.array(z.string()).nullish(),
  model_info: z.record(z.string(), z.unknown()).nullish(),
});
const psSchema = z.looseObject({
  models: z.array(z.looseObject({ name: z.string(), context_length: z.int().min(1).nullish() })),
});
const versionSchema = z.looseObject({ version: z.string() });

/** Throws `model-missing`; another refusal of the question leaves the facts unknown. */
export async function readModelFacts(
  client: HttpClient,
  model: string,
  signal: AbortSignal,
): Promise<ModelFacts> {
  const show = await client
    .requestJson(showSchema, { path: '/api/show', body: { model }, signal })
    .catch(unlessUnsupported);
  const version = await client
    .requestJson(versionSchema, { method: 'GET', path: '/api/version', signal })
    .catch(unlessUnsupported);
  const info = show?.model_info ?? {};
  const length = z
    .int()
    .min(1)
    .safeParse(info[`${String(info['general.architecture'])}.context_length`]);
  const { parameter_size: parameters, quantization_level: quantisation } = show?.details ?? {};
  return {
    ...(length.success ? { contextTokens: length.data } : {}),
    systemBytes: Buffer.byteLength(show?.system ?? ''),
    ...(show?.capabilities ? { capabilities: show.capabilities } : {}),
    versions: {
      ollama: version?.version ?? 'unknown',
      ...(parameters ? { parameters } : {}),
      ...(quantisation ? { quantisation } : {}),
      ...(show?.capabilities ? { capabilities: show.capabilities.join(', ') } : {}),
    },
  };
}

/** The context that the model is loaded with now; `undefined` when it is not loaded. */
export async function loadedContext(
  client: HttpClient,
  model: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  const running = await client
    .requestJson(psSchema, { method: 'GET', path: '/api/ps', signal })
    .catch(unlessUnsupported);
  const name = /:[^/]*$/.test(model) ? model : `${model}:latest`;
  return running?.models.find((it) => it.name === name)?.context_length ?? undefined;
}

/** Some proxies pass on `/api/chat` alone. */
function unlessUnsupported(error: unknown): undefined {
  const failure = failureClassOf(error);
  if (failure === 'unsupported' || failure === 'malformed') return undefined;
  throw error;
}
