import { splitSpec } from '../targets.ts';
import { isOfSide, type RouteRequest } from '../decision.ts';
import { isLocal, type Wall } from './policy.ts';

/** Private prompts never leave the servers that may see them, whatever fails. */
const privacy: Wall = {
  id: 'privacy-wall',
  stands: ({ request, settings }) =>
    request.private === true || settings.strategy === 'privacy-first',
  bars: (target) => {
    if (!isLocal(target)) return 'the prompt is private, and this is the cloud';
    return target.maySeePrivate ? undefined : 'its server may not see private prompts';
  },
};

const cloudOff: Wall = {
  id: 'cloud-off',
  stands: ({ settings }) => settings.cloud === 'off',
  bars: (target) => (isLocal(target) ? undefined : 'the cloud is off (routing.cloud)'),
};

/** A pinned model is asked and nobody else; the same model may answer from another tier. */
const pinned: Wall = {
  id: 'pinned-model',
  stands: ({ request }) => pinnedModel(request) !== undefined,
  bars: ({ spec }, { request }) =>
    isNamed(spec, pinnedModel(request) ?? '') ? undefined : `${request.model} was asked for`,
};

/** After a complete rollback nobody but the reference is asked, where there is one to ask. */
const rolledBack: Wall = {
  id: 'rolled-back',
  stands: (input) => {
    const { request, rollout, targets } = input;
    if (rollout?.only !== true || pinnedModel(request) !== undefined) return false;
    if (privacy.stands(input)) return false;
    return targets.some((target) => isOfSide(target, rollout.to));
  },
  bars: (target, { rollout }) =>
    rollout === undefined || isOfSide(target, rollout.to)
      ? undefined
      : `rollout ${rollout.rollout} was rolled back completely`,
};

/** In the order they are put up. */
export const WALLS: readonly Wall[] = [privacy, cloudOff, pinned, rolledBack];

/** The model that a request names; `auto` names none. */
export function pinnedModel({ model }: RouteRequest): string | undefined {
  return model === 'auto' ? undefined : model;
}

/** Whether a target is called so: `<server>:<model>`, the bare model, or without `:latest`. */
export function isNamed(spec: string, name: string): boolean {
  const { model } = splitSpec(spec);
  return [spec, model].some((it) => it === name || it === `${name}:latest`);
}
