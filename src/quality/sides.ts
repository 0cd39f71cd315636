import { AppError } from '../core/errors.ts';
import type { CompletionRequest } from '../core/request.ts';
import type { Provider } from '../providers/provider.ts';
import { createReplayProvider } from '../providers/replay/provider.ts';
import { recordingKey, type Recording } from '../providers/replay/recording.ts';
import type { RunStore } from './run-store.ts';
import { kindOf } from './kinds/registry.ts';
import type { Task } from './suites/suite.ts';

/** Answers that come with every suite: the written ones, and nothing at all. */
const WRITTEN = ['gold', 'empty'];

export interface SideDeps {
  store: Pick<RunStore, 'recording'>;
  /** Opens a live provider (`embedded:<model>`, `ollama:<model>`). */
  openProvider: (spec: string) => Promise<Provider>;
}

/** The tasks of a run, with the request that each makes. */
export interface Ask {
  task: Task;
  request: CompletionRequest;
}

/**
 * Opens one side of a baseline.
 * @param spec `replay:gold`, `replay:empty`, `replay:<provider id>` (answers recorded in this state
 * folder) or the id of a live provider
 */
export async function openSide(
  spec: string,
  asks: readonly Ask[],
  { store, openProvider }: SideDeps,
): Promise<Provider> {
  if (!spec.startsWith('replay:')) return openProvider(spec);
  const recordedId = spec.slice('replay:'.length);
  if (WRITTEN.includes(recordedId)) {
    const written = writtenAnswers(recordedId, asks);
    return createReplayProvider({
      recordedId,
      lookUp: (key) => written.get(key),
      hint: 'Run the task with the suite that it belongs to.',
    });
  }
  if (!recordedId.includes(':')) {
    throw new AppError('baseline.unknown-side', `There are no answers called ${spec}.`, {
      hint: `Known are ${WRITTEN.map((name) => `replay:${name}`).join(', ')}, and replay:<provider>:<model> for what that model answered before.`,
    });
  }
  const hint = `Answers are recorded by running them: aqe-llm baseline --candidate ${recordedId}, with the same suite, seed and sampling.`;
  const lookUp = (key: string): Recording | undefined => store.recording(key);
  if (asks.every(({ request }) => lookUp(recordingKey(recordedId, request)) === undefined)) {
    throw new AppError(
      'baseline.no-recordings',
      `This state folder holds no answer of ${recordedId} to these tasks.`,
      { hint },
    );
  }
  return createReplayProvider({ recordedId, lookUp, hint });
}

function writtenAnswers(kind: string, asks: readonly Ask[]): Map<string, Recording> {
  return new Map(
    asks.map(({ task, request }) => {
      const text = kind === 'gold' ? kindOf(task.category).goldAnswer(task) : '';
      const recording: Recording = {
        completion: {
          model: kind,
          text,
          finishReason: 'stop',
          usage: {},
          timing: { measured: false },
        },
        looped: false,
      };
      return [recordingKey(kind, request), recording];
    }),
  );
}
