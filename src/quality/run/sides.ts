import { AppError } from '../../core/errors.ts';
import type { Provider } from '../../providers/provider.ts';
import { createReplayProvider } from '../../providers/replay/provider.ts';
import { recordingKey, type Recording } from '../../providers/replay/recording.ts';
import { kindOf } from '../kinds/registry.ts';
import type { Ask } from './asks.ts';
import { isLive } from './plan.ts';
import { isRecordingFile, readRecordings } from './recording-file.ts';
import type { RunStore } from './run-store.ts';

/** Answers that come with every suite: the written ones, and nothing at all. */
const WRITTEN = ['gold', 'empty'];

export interface SideDeps {
  store: Pick<RunStore, 'recording'>;
  /** Opens a live provider (`embedded:<model>`, `ollama:<model>`). */
  openProvider: (spec: string) => Promise<Provider>;
}

/**
 * Opens one side of a baseline.
 * @param spec `replay:gold`, `replay:empty`, `replay:<file>.jsonl` (made by `baseline record`),
 * `replay:<provider id>` (answers recorded in this state folder) or the id of a live provider
 */
export async function openSide(
  spec: string,
  asks: readonly Ask[],
  { store, openProvider }: SideDeps,
): Promise<Provider> {
  return isLive(spec) ? openProvider(spec) : openReplay(spec, asks, store);
}

async function openReplay(
  spec: string,
  asks: readonly Ask[],
  store: SideDeps['store'],
): Promise<Provider> {
  const recordedId = spec.slice('replay:'.length);
  if (WRITTEN.includes(recordedId)) {
    const written = writtenAnswers(recordedId, asks);
    return createReplayProvider({
      recordedId,
      lookUp: (key) => written.get(key),
      hint: 'Run the task with the suite that it belongs to.',
    });
  }
  if (isRecordingFile(recordedId)) return openRecordings(recordedId, asks);
  if (!recordedId.includes(':')) {
    throw new AppError('baseline.unknown-side', `There are no answers called ${spec}.`, {
      hint: `Known are ${WRITTEN.map((name) => `replay:${name}`).join(', ')}, replay:<file>.jsonl for what \`baseline record\` wrote, and replay:<provider>:<model> for what that model answered before.`,
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

/**
 * Finds out before anything is asked whether the sides that are replayed hold all answers.
 * @throws AppError as `openSide` does; `baseline.bad-sides` with every side's problem where several have one
 */
export async function checkReplays(
  specs: readonly string[],
  asks: readonly Ask[],
  store: SideDeps['store'],
): Promise<void> {
  const failures: { path: string; error: AppError }[] = [];
  for (const spec of new Set(specs.filter((each) => !isLive(each)))) {
    try {
      await openReplay(spec, asks, store);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      failures.push({ path: spec, error });
    }
  }
  const [first, ...others] = failures;
  if (first === undefined) return;
  if (others.length === 0) throw first.error;
  throw new AppError('baseline.bad-sides', 'Some sides of this run cannot be replayed.', {
    problems: failures.map(({ path, error }) => ({ path, message: error.message })),
    ...(first.error.hint === undefined ? {} : { hint: first.error.hint }),
  });
}

async function openRecordings(file: string, asks: readonly Ask[]): Promise<Provider> {
  const { header, recordings } = await readRecordings(file);
  const first = asks[0]?.request;
  for (const name of ['maxTokens', 'temperature'] as const) {
    if (first !== undefined && first[name] !== header[name]) {
      throw new AppError(
        'baseline.other-recording',
        `${file} was recorded with ${name} ${header[name]}; this run has ${first[name]}.`,
        { hint: 'Run with what it was recorded with, or record again.' },
      );
    }
  }
  const missing = asks.filter(
    ({ request }) => !recordings.has(recordingKey(header.provider, request)),
  );
  if (missing.length > 0) {
    const names = missing.slice(0, 5).map(({ task, repeat }) => `${task.id} #${repeat + 1}`);
    throw new AppError(
      'baseline.other-recording',
      `${file} holds no answer to ${missing.length} of ${asks.length} questions of this run (${names.join(', ')}${missing.length > names.length ? ', …' : ''}).`,
      {
        hint: `It was recorded from suite ${header.suite} (${header.suiteHash.slice(0, 12)}) with seed ${header.seed}. Give the same --seed, or add what is missing: aqe-llm baseline record ${header.provider} --out ${file}`,
      },
    );
  }
  return createReplayProvider({
    recordedId: header.provider,
    lookUp: (key) => recordings.get(key),
    hint: `${file} does not hold it.`,
  });
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
