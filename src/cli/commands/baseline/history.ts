import { ExitCode } from '../../../core/errors.ts';
import { historyToTable } from '../../../quality/reports/history.ts';
import type { CommandContext } from '../../main.ts';
import { runtimeFor } from '../../model.ts';

interface HistoryFlags {
  candidate?: string[];
  limit: number;
}

/** `baseline history`: earlier verdicts, the newest first. */
export async function historyCommand(
  context: CommandContext,
  flags: HistoryFlags,
): Promise<ExitCode> {
  const { output } = context;
  const runtime = await runtimeFor(context);
  const store = runtime.openStore();
  const { limit } = flags;
  const candidates = flags.candidate ?? [undefined];
  const past = candidates
    .flatMap((candidate) =>
      store.verdicts({ limit, ...(candidate === undefined ? {} : { candidate }) }),
    )
    .toSorted((a, b) => (b.run.finishedAt ?? '').localeCompare(a.run.finishedAt ?? ''))
    .slice(0, limit);
  if (output.json) {
    const runs = past.map(({ run, candidate, verdict }) => ({
      runId: run.id,
      startedAt: run.startedAt,
      finishedAt: run.finishedAt,
      suite: run.plan.suiteName,
      suiteHash: run.plan.suiteHash,
      candidate,
      reference: run.plan.reference,
      tasks: run.plan.taskIds.length,
      repeats: run.plan.repeats,
      verdict,
    }));
    output.result(JSON.stringify({ schema: 'aqe-llm/baseline-history@1', runs }, null, 2));
  } else {
    output.result(historyToTable(past, { width: output.width, color: output.color }));
  }
  return ExitCode.Ok;
}
