import chalk, { Chalk } from 'chalk';
import { ExitCode } from '../../../core/errors.ts';
import type { Finding } from '../../../setup/doctor/finding.ts';
import type { CommandContext } from '../../main.ts';
import { runtimeFor } from '../../model.ts';

const MARKS: Record<Finding['state'], string> = { ok: '✓', warning: '!', missing: '–' };

/** `setup doctor`: exit 1 when something that `baseline` needs is missing. */
export async function doctorCommand(context: CommandContext): Promise<ExitCode> {
  const { output } = context;
  const runtime = await runtimeFor(context);
  const findings = await runtime.examine();
  const ready = findings.every((finding) => !finding.required || finding.state !== 'missing');
  if (output.json) output.result(JSON.stringify({ ready, findings }));
  else output.result(findings.map((finding) => line(finding, output.color)).join('\n'));
  return ready ? ExitCode.Ok : ExitCode.GateFailed;
}

const TITLE_WIDTH = 26;

function line({ state, required, title, detail, hint }: Finding, color: boolean): string {
  const paint = color ? chalk : new Chalk({ level: 0 });
  const mark = state === 'missing' && required ? '✗' : MARKS[state];
  const painted = { '✓': paint.green, '!': paint.yellow, '✗': paint.red, '–': paint.dim }[mark];
  const head = `${painted?.(mark) ?? mark} ${title.padEnd(TITLE_WIDTH)} ${detail}`;
  return hint === undefined || state === 'ok' ? head : `${head}\n    ${paint.dim(hint)}`;
}
