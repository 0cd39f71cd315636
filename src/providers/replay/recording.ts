import { createHash } from 'node:crypto';
import type { Completion, CompletionRequest } from '../../core/request.ts';

/** An answer kept for later. `looped` is set when generation was stopped for repeating itself. */
export interface Recording {
  completion: Completion;
  looped: boolean;
}

/**
 * What a recording is found by: provider and model (in the provider's id), the whole prompt, every
 * parameter, and which repetition it is.
 */
export function recordingKey(providerId: string, request: CompletionRequest): string {
  const { messages, maxTokens, temperature, seed, repeat, ...extra } = request;
  const prompt = messages.map(({ role, content, ...rest }) => [
    role,
    content,
    ...Object.values(rest),
  ]);
  return createHash('sha256')
    .update(
      JSON.stringify([
        providerId,
        prompt,
        maxTokens,
        temperature,
        seed,
        repeat,
        ...Object.entries(extra),
      ]),
    )
    .digest('hex');
}
