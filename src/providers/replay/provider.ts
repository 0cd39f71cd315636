import type { Completion, CompletionRequest } from '../../core/request.ts';
import { ProviderFailure } from '../failure.ts';
import type { Provider } from '../provider.ts';
import { recordingKey, type Recording } from './recording.ts';

export interface ReplayOptions {
  /** The id of the provider whose answers are replayed; part of each recording's key. */
  recordedId: string;
  lookUp: (key: string, request: CompletionRequest) => Recording | undefined;
  /** Told to the user when an answer is missing. */
  hint: string;
}

/** Answers from recordings. Their times are passed on as what they are: not measured now. */
export function createReplayProvider({ recordedId, lookUp, hint }: ReplayOptions): Provider {
  const id = `replay:${recordedId}`;
  const answer = (request: CompletionRequest): Completion => {
    const recording = lookUp(recordingKey(recordedId, request), request);
    if (recording === undefined) {
      throw new ProviderFailure(
        'recording-missing',
        `${id} has no recorded answer to this request.`,
        {
          hint,
        },
      );
    }
    const { completion } = recording;
    return { ...completion, timing: { ...completion.timing, measured: false } };
  };
  return {
    id,
    complete: async (request) => answer(request),
    async *stream(request) {
      const completion = answer(request);
      yield { type: 'text', text: completion.text };
      yield { type: 'finished', completion };
    },
    embed: () =>
      Promise.reject(
        new ProviderFailure('unsupported', 'Recordings hold answers and no embeddings.'),
      ),
    countTokens: async () => undefined,
    health: async () => ({ state: 'ready', detail: 'answers from recordings' }),
    metadata: async () => ({
      id,
      model: recordedId,
      versions: {},
      concurrency: 1,
      replayed: true,
    }),
    shutdown: async () => {},
  };
}
