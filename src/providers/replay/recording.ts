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
  const { messages, maxTokens, temperature, seed, repeat } = request;
  const prompt = messages.map(({ role, content }) => [role, content]);
  return createHash('sha256')
    .update(JSON.stringify([providerId, prompt, maxTokens, temperature, seed, repeat]))
    .digest('hex');
}
