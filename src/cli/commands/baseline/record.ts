import path from 'node:path';
import { ExitCode, AppError } from '../../../core/errors.ts';
import { recordAnswers } from '../../../quality/run/record.ts';
import { isLive } from '../../../quality/run/plan.ts';
import { isRecordingFile } from '../../../quality/run/recording-file.ts';
import type { CommandContext } from '../../main.ts';
import { runtimeFor } from '../../model.ts';
import { formatWait } from '../../output/output.ts';
import { sideOpener } from './deps.ts';
import { estimateLine } from './progress.ts';
import { planQuestions, settledSide, type QuestionFlags } from './start.ts';

interface RecordFlags extends QuestionFlags {
  out: string;
  threads?: number;
}

/** `baseline record`: asks one side and keeps its answers in a file that `replay:<file>` reads. */
export async function recordCommand(
  context: CommandContext,
  side: string,
  flags: RecordFlags,
): Promise<ExitCode> {
  const { host, output } = context;
  const { signal } = host;
  if (!isRecordingFile(flags.out)) {
    throw new AppError('usage.recording-name', `${flags.out} does not end in .jsonl.`, {
      hint: 'replay:<file> knows a recording by it: name it <file>.jsonl.',
    });
  }
  const runtime = await runtimeFor(context, { threads: flags.threads });
  const spec = await settledSide(side, host.cwd, runtime);
  if (!isLive(spec)) {
    throw new AppError('baseline.unknown-side', `${side} has been recorded already.`, {
      hint: 'Record a live side, as in anthropic:claude-sonnet-5-5.',
    });
  }
  const { suite, questions } = await planQuestions(host.cwd, runtime, flags);
  const runId = runtime.newRunId();
  const openProvider = await sideOpener({ runId, specs: [spec] }, runtime, output, signal);
  const file = path.resolve(host.cwd, flags.out);
  const progress = await output.progress();
  let last = { answers: 0, errors: 0 };
  try {
    const recording = recordAnswers(
      { suite, plan: questions, spec, file },
      {
        store: runtime.openStore(),
        clock: runtime.clock,
        money: runtime.openBaselineMoney(),
        openProvider,
      },
      signal,
    );
    for await (const event of recording) {
      switch (event.type) {
        case 'started':
          progress.log(`${event.known} answers are there. ${estimateLine(event.estimate)}`);
          break;
        case 'progress':
          progress.update(
            `${event.taskId}: ${event.pieces} tokens in ${formatWait(event.elapsedMs)}`,
          );
          break;
        case 'recorded':
          progress.log(`[${event.done}/${event.total}] ${event.taskId}`);
          break;
        case 'failed':
          progress.log(`${event.taskId}: error: ${event.message}`);
          break;
        case 'finished':
          last = event;
          break;
      }
    }
  } finally {
    progress.stop();
  }
  const { answers, errors } = last;
  output.result(
    output.json
      ? JSON.stringify({ schema: 'aqe-llm/recorded@1', file, provider: spec, answers, errors })
      : `${answers} answers of ${spec} are in ${flags.out}.${errors === 0 ? '' : ` ${errors} could not be had; the same command asks for them again.`}`,
  );
  return errors === 0 ? ExitCode.Ok : ExitCode.Inconclusive;
}
