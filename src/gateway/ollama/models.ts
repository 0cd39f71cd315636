import { createHash } from 'node:crypto';
import { z } from 'zod';
import { findServerModel } from '../../config/server-models.ts';
import type { ListedModel } from '../models.ts';
import { parseBody } from '../parse.ts';

/** The version of Ollama's API that is spoken; clients ask for one that has what they need. */
export const OLLAMA_VERSION = '0.12.6';

const showSchema = z
  .looseObject({ model: z.string().min(1).nullish(), name: z.string().min(1).nullish() })
  .refine((body) => typeof (body.model ?? body.name) === 'string', {
    path: ['model'],
    message: 'expected the name of a model',
  });

/** The model that `/api/show` is asked about. @throws AppError `gateway.invalid-request` */
export function readShow(body: unknown): string {
  const { model, name } = parseBody(showSchema, body);
  return model ?? name ?? '';
}

/** `/api/tags`. Of sizes and files nothing is known here. @param startedAt as the time of change */
export function tagList(models: readonly ListedModel[], startedAt: number): object {
  return {
    models: models.map(({ id }) => ({
      name: id,
      model: id,
      modified_at: new Date(startedAt).toISOString(),
      size: 0,
      digest: createHash('sha256').update(id).digest('hex'),
      details: detailsOf(id),
    })),
  };
}

/** `/api/show`. */
export function showModel({ id, contextTokens }: ListedModel, startedAt: number): object {
  return {
    modelfile: '',
    parameters: '',
    template: '',
    details: detailsOf(id),
    model_info: {
      'general.architecture': 'aqe',
      'general.basename': id,
      ...(contextTokens === undefined ? {} : { 'aqe.context_length': contextTokens }),
    },
    capabilities: ['completion', 'tools'],
    modified_at: new Date(startedAt).toISOString(),
  };
}

function detailsOf(id: string): object {
  const parameters = findServerModel(id.slice(id.indexOf(':') + 1))?.parametersB;
  return {
    parent_model: '',
    format: 'gguf',
    family: 'aqe',
    families: ['aqe'],
    parameter_size: parameters === undefined ? '' : `${parameters}B`,
    quantization_level: '',
  };
}
