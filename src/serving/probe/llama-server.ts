import path from 'node:path';
import { z } from 'zod';
import type { Http } from '../http.ts';
import type { ServerFacts } from './facts.ts';
import { readModels } from './models.ts';

export const propsSchema = z.object({
  default_generation_settings: z.object({ n_ctx: z.number() }),
  total_slots: z.number().optional(),
  model_path: z.string().optional(),
  build_info: z.string().optional(),
});
const adaptersSchema = z.array(z.object({ path: z.string() }));

/** What a llama-server has: one model, its slots and their context, its adapters. */
export async function llamaServerFacts(
  http: Http,
  props: z.infer<typeof propsSchema>,
): Promise<ServerFacts> {
  const listed = readModels((await http.get('/v1/models'))?.json) ?? [];
  const named = props.model_path === undefined ? [] : [path.basename(props.model_path)];
  const ids = listed.length === 0 ? named : listed.map(({ id }) => id);
  const adapters = adaptersSchema.safeParse((await http.get('/lora-adapters'))?.json).data;
  return {
    kind: 'llama-server',
    version: props.build_info ?? null,
    models: ids.map((id) => ({
      id,
      contextTokens: props.default_generation_settings.n_ctx,
      loaded: true,
      adapts: null,
    })),
    adapters: adapters?.map((adapter) => path.basename(adapter.path)) ?? null,
    slots: props.total_slots ?? null,
    gpu: null,
  };
}
