import { AppError } from '../core/errors.ts';
import type { RoutableModel } from '../routing/router.ts';

/** A model as it is listed; `auto` lets the router choose. */
export interface ListedModel {
  id: string;
  /** The tiers that have it. Empty for `auto`. */
  tiers: readonly string[];
  contextTokens?: number;
}

/** `auto`, and each model once, whatever number of tiers has it. */
export function listModels(models: readonly RoutableModel[]): ListedModel[] {
  const listed = new Map<string, ListedModel>([['auto', { id: 'auto', tiers: [] }]]);
  for (const { id, tier, contextTokens } of models) {
    const known = listed.get(id);
    listed.set(id, {
      id,
      tiers: [...(known?.tiers ?? []), tier],
      ...(contextTokens === undefined ? {} : { contextTokens }),
    });
  }
  return [...listed.values()];
}

/**
 * The model of that name: as it is listed, or what follows the server's name.
 * @throws AppError `gateway.unknown-model`
 */
export function findModel(listed: readonly ListedModel[], name: string): ListedModel {
  const found =
    listed.find(({ id }) => id === name) ??
    listed.find(({ id }) => id.slice(id.indexOf(':') + 1) === name);
  if (found !== undefined) return found;
  throw new AppError('gateway.unknown-model', `There is no model called ${name}.`, {
    hint: '`auto` lets the router choose; GET /v1/models lists the others.',
  });
}
