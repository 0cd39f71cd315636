import type { ListedModel } from '../models.ts';

/**
 * `/v1/models` in the shapes of OpenAI and Anthropic at once: they share the address, and no name
 * in them means two things.
 */
export function modelList(models: readonly ListedModel[], startedAt: number): object {
  return {
    object: 'list',
    data: models.map((model) => modelBody(model, startedAt)),
    has_more: false,
    first_id: models[0]?.id ?? null,
    last_id: models.at(-1)?.id ?? null,
  };
}

/** `/v1/models/{id}`. @param startedAt when the gateway began, in milliseconds since the Unix epoch */
export function modelBody({ id, tiers, contextTokens }: ListedModel, startedAt: number): object {
  return {
    id,
    object: 'model',
    created: Math.floor(startedAt / 1000),
    owned_by: tiers.join(', ') || 'aqe-llm',
    type: 'model',
    display_name: id,
    created_at: new Date(startedAt).toISOString(),
    ...(contextTokens === undefined ? {} : { context_length: contextTokens }),
  };
}
