import { AppError } from '../core/errors.ts';
import type { Usage } from '../core/request.ts';
import { failureClassOf } from '../providers/failure.ts';
import type { AttemptListener } from './attempt.ts';
import type { Embedded } from './router.ts';
import type { TargetPool } from './target-pool.ts';

export interface EmbedTextsOptions {
  model?: string | undefined;
  signal?: AbortSignal | undefined;
  /** The listener for the attempts at a target. */
  listen: (target: string) => AttemptListener;
}

/**
 * Vectors from the named model, or from the first local target that has embeddings. Texts are never
 * sent to the cloud for it.
 * @throws ProviderFailure of the named model or the last one asked; AppError `route.unknown-model`
 */
export async function embedTexts(
  pool: TargetPool,
  texts: readonly string[],
  { model, signal, listen }: EmbedTextsOptions,
): Promise<Embedded> {
  const call = signal === undefined ? {} : { signal };
  let lacking: unknown;
  for (const target of await pool.embedders(model)) {
    try {
      const provider = await pool.open(target);
      let usage: Usage | undefined;
      const vectors = await provider.embed(texts, {
        ...call,
        onAttempt: listen(target),
        onUsage: (told) => {
          usage = told;
        },
      });
      return { target, vectors, ...(usage === undefined ? {} : { usage }) };
    } catch (error) {
      if (failureClassOf(error) !== 'unsupported') throw error;
      lacking = error;
    }
  }
  if (lacking !== undefined) throw lacking;
  throw new AppError('route.unknown-model', `No local server has ${model ?? 'embeddings'}.`, {
    hint: 'Name one of a configured server, as in ollama:nomic-embed-text.',
  });
}
