import { z } from 'zod';
import type { ServedModel } from './facts.ts';

const modelsSchema = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      parent: z.string().nullish(),
      max_model_len: z.number().nullish(),
    }),
  ),
});

/** The list of `/v1/models`; `undefined` when it is none. */
export function readModels(json: unknown): ServedModel[] | undefined {
  return modelsSchema.safeParse(json).data?.data.map(({ id, parent, max_model_len }) => ({
    id,
    contextTokens: max_model_len ?? null,
    loaded: true,
    adapts: parent ?? null,
  }));
}
