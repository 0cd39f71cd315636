import path from 'node:path';
import type { ServedModel, ServerFacts } from './probe/facts.ts';
import type { Check } from './result.ts';

/** The model that is checked, and whether the server has it. */
export function checkModel(
  facts: ServerFacts,
  wanted: string | null,
): { model: string | null; check: Check } {
  const { models, kind } = facts;
  if (wanted === null) {
    const chosen = models.find(({ loaded }) => loaded === true) ?? models[0];
    if (chosen === undefined) {
      return { model: null, check: lacking('the server has no model', facts, null) };
    }
    const others = models.filter(({ id, adapts }) => id !== chosen.id && adapts === null).length;
    const name = path.basename(chosen.id);
    const detail = others === 0 ? name : `${name} (of ${others + 1}; --model names another)`;
    return { model: chosen.id, check: { id: 'model', state: 'ok', detail } };
  }
  const found = findServed(models, wanted);
  if (found !== undefined) {
    return { model: found.id, check: { id: 'model', state: 'ok', detail: found.id } };
  }
  const others = models.map(({ id }) => id).join(', ') || 'none';
  if (kind === 'llama-server' && models.length > 0) {
    const detail = `it serves ${others} under any name`;
    return { model: models[0]?.id ?? wanted, check: { id: 'model', state: 'warning', detail } };
  }
  return {
    model: null,
    check: lacking(`${wanted} is not there; the server has ${others}`, facts, wanted),
  };
}

/** Ollama's `name` stands for `name:latest`. */
export function findServed(
  models: readonly ServedModel[],
  wanted: string,
): ServedModel | undefined {
  return models.find(({ id }) => id === wanted || id === `${wanted}:latest`);
}

function lacking(detail: string, { kind }: ServerFacts, wanted: string | null): Check {
  const model = wanted ?? '<model>';
  const hint =
    kind === 'ollama'
      ? `Fetch it with: ollama pull ${model}`
      : kind === 'vllm'
        ? `Start one with: vllm serve ${model}`
        : 'Start the server with the model, or name one that it has with --model.';
  return { id: 'model', state: 'failed', detail, hint };
}
