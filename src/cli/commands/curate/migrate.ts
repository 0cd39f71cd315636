import path from 'node:path';
import { AppError, ExitCode } from '../../../core/errors.ts';
import type { Comparison } from '../../../patterns/agentdb/compare.ts';
import type { AgentDbMigration } from '../../../patterns/agentdb/migration.ts';
import type { MigrationState } from '../../../patterns/agentdb/notes.ts';
import { formatPercent, plural } from '../../../quality/reports/format.ts';
import type { CommandContext } from '../../main.ts';
import { withPatterns } from './open.ts';

export const MIGRATE_STEPS = ['status', 'start', 'compare', 'switch', 'finish'] as const;
export type MigrateStep = (typeof MIGRATE_STEPS)[number];

/** `curate migrate`: from an AgentDB file to the pattern store, a step at a time. */
export async function migrateCommand(
  context: CommandContext,
  step: MigrateStep,
  file: string | undefined,
): Promise<ExitCode> {
  const { host, output } = context;
  if (file !== undefined && step !== 'start') {
    throw new AppError('usage.migrate', `${step} takes no file: it is known since start.`);
  }
  return withPatterns(context, async ({ agentDb, store }) => {
    switch (step) {
      case 'start':
        return start(context, agentDb, file && path.resolve(host.cwd, file), () => store.count());
      case 'status':
        return tell(context, agentDb.state());
      case 'compare': {
        const comparison = await agentDb.compare();
        output.result(output.json ? JSON.stringify(comparison) : tableOf(comparison));
        return comparison.isEqual ? ExitCode.Ok : ExitCode.GateFailed;
      }
      case 'switch': {
        const comparison = await agentDb.compare();
        if (!comparison.isEqual) {
          output.note(tableOf(comparison));
          throw new AppError('agentdb.unequal', 'File and store do not hold the same.', {
            hint: 'Take over what is missing with: aqe-llm curate migrate start',
            exitCode: ExitCode.GateFailed,
          });
        }
        agentDb.switchOver();
        return tell(context, agentDb.state());
      }
      case 'finish': {
        const last = agentDb.state();
        agentDb.finish();
        output.result(
          output.json
            ? JSON.stringify({ ...last, phase: 'finished' })
            : `Finished: the store stands alone, and ${last?.file} stays as it is.`,
        );
        return ExitCode.Ok;
      }
    }
  });
}

async function start(
  context: CommandContext,
  agentDb: AgentDbMigration,
  named: string | undefined,
  total: () => number,
): Promise<ExitCode> {
  const { host, output } = context;
  const file = named ?? agentDb.state()?.file;
  if (file === undefined) {
    throw new AppError('usage.migrate', 'Which file is it?', {
      hint: 'As in: aqe-llm curate migrate start .agentic-qe/agentdb.db',
    });
  }
  const progress = await output.progress();
  try {
    for await (const { done, of } of agentDb.copy(file, host.signal)) {
      progress.update(`${done} of ${plural(of, 'row')} taken over`);
    }
  } finally {
    progress.stop();
  }
  const state = agentDb.state();
  output.result(output.json ? JSON.stringify({ ...state, patterns: total() }) : inWords(state));
  return ExitCode.Ok;
}

function tell({ output }: CommandContext, state: MigrationState | undefined): ExitCode {
  output.result(output.json ? JSON.stringify(state ?? { phase: 'none' }) : inWords(state));
  return ExitCode.Ok;
}

function inWords(state: MigrationState | undefined): string {
  if (state === undefined) {
    return 'No migration is under way. Begin one with: aqe-llm curate migrate start <AgentDB file>';
  }
  const { file, phase, copied } = state;
  const rows = `${plural(copied, 'row')} of ${file} came over.`;
  switch (phase) {
    case 'copying':
      return `${rows} It was broken off; go on with: aqe-llm curate migrate start`;
    case 'dual':
      return `${rows} What is learned is written to both. Take over what is new there with \`curate migrate start\`, then: aqe-llm curate migrate compare, and switch`;
    case 'switched':
      return `${rows} The store leads, and AgentDB's file still follows. End that with: aqe-llm curate migrate finish`;
  }
}

function tableOf(comparison: Comparison): string {
  const { rows, copied, leftOut, sha256, changed, unmirrored, search, isEqual } = comparison;
  const isSame = sha256.file === sha256.store;
  return [
    `reasoning patterns  ${rows.pattern} in the file, ${copied.pattern} taken over`,
    `episodes            ${rows.episode} in the file, ${copied.episode} taken over`,
    `left out            ${leftOut.length}${leftOut.length === 0 ? '' : ` with nothing to remember: ${leftOut.slice(0, 10).join(', ')}${leftOut.length > 10 ? ' …' : ''}`}`,
    `content (SHA-256)   ${isSame ? `equal, ${sha256.file.slice(0, 16)}…` : `differs: ${sha256.file.slice(0, 16)}… and ${sha256.store.slice(0, 16)}…`}`,
    `changed here since  ${plural(changed, 'pattern')}`,
    `not in the file     ${plural(unmirrored, 'pattern')} learned since`,
    search === undefined
      ? 'search              not compared: the file has no vectors of this size'
      : `search              ${formatPercent(search.overlap)} of its ten nearest are ours too (${search.queries} searches); median ${search.ms.agentdb.toFixed(2)} ms there, ${search.ms.store.toFixed(2)} ms here`,
    isEqual ? 'Both hold the same.' : 'They do not hold the same: aqe-llm curate migrate start',
  ].join('\n');
}
