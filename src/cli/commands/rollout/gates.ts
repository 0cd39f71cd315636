import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError, ExitCode, messageOf } from '../../../core/errors.ts';
import type { Phase } from '../../../rollout/gates/criteria.ts';
import { parseStatements, type PhaseGate, type Statements } from '../../../rollout/gates/gates.ts';
import { Drawing } from '../../output/draw.ts';
import type { CommandContext, Host } from '../../main.ts';
import { withRollouts } from './open.ts';

export interface GatesFlags {
  phase?: Phase;
  evidence?: string;
}

const EXIT_CODES: Record<PhaseGate['decision'], ExitCode> = {
  GO: ExitCode.Ok,
  'NO-GO': ExitCode.GateFailed,
  UNKNOWN: ExitCode.Inconclusive,
};

/** `rollout gates`: the plan's GO/NO-GO decisions, each criterion with its figure and source. */
export async function gatesCommand(
  context: CommandContext,
  { phase, evidence }: GatesFlags,
): Promise<ExitCode> {
  const { output, host } = context;
  const statements = evidence === undefined ? {} : await readStatements(evidence, host);
  return withRollouts(context, async ({ gates }) => {
    const judged = gates(statements).filter((gate) => phase === undefined || gate.phase === phase);
    if (output.json) output.result(JSON.stringify({ schema: 'aqe-llm/gates@1', gates: judged }));
    else output.result(drawGates(judged, output));
    const decisions = new Set(judged.map(({ decision }) => decision));
    const worst = decisions.has('NO-GO') ? 'NO-GO' : decisions.has('UNKNOWN') ? 'UNKNOWN' : 'GO';
    return EXIT_CODES[worst];
  });
}

async function readStatements(file: string, { cwd }: Host): Promise<Statements> {
  const text = await readFile(path.resolve(cwd, file), 'utf8').catch((error: unknown) => {
    throw new AppError('rollout.evidence-unreadable', `It cannot be read: ${messageOf(error)}`, {
      hint: 'docs/rollout.md shows what such a file looks like.',
      cause: error,
    });
  });
  return parseStatements(text, file);
}

const STATE_WIDTH = 9;

function drawGates(gates: readonly PhaseGate[], canvas: { width: number; color: boolean }): string {
  const drawing = new Drawing(canvas);
  const { paint } = drawing;
  const colors = { PASS: paint.green, FAIL: paint.red, UNKNOWN: paint.yellow };
  for (const { phase, decision, otherwise, criteria } of gates) {
    const then = decision === 'GO' ? '' : ` (otherwise: ${otherwise})`;
    drawing.title(`Phase ${phase}: ${decision}${then}`);
    for (const { kind, text, state, figure, source } of criteria) {
      const decides = kind === 'gate' ? '' : 'success: ';
      const shown = figure === undefined ? source : `${figure} · ${source}`;
      drawing.item(state.padEnd(STATE_WIDTH), colors[state], `${decides}${text} · ${shown}`);
    }
  }
  return drawing.toString();
}
