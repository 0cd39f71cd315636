import { Chalk } from 'chalk';
import Table from 'cli-table3';
import { catalogue } from '../../../config/catalogue.ts';
import { AppError, ExitCode } from '../../../core/errors.ts';
import type { Runtime } from '../../../runtime.ts';
import { formatAbout, formatBytes } from '../../../setup/bytes.ts';
import { ollamaTagOf, type ListedModel } from '../../../setup/model-list.ts';
import type { CommandContext } from '../../main.ts';
import { provideModel, runtimeFor } from '../../model.ts';
import type { Output } from '../../output/output.ts';
import { pullWithProgress } from './pull.ts';

interface ModelsFlags {
  on?: string;
}

/** `setup models`: lists what there is and what fits or, with names, fetches those. */
export async function modelsCommand(
  context: CommandContext,
  names: readonly string[],
  flags: ModelsFlags,
): Promise<ExitCode> {
  const runtime = await runtimeFor(context);
  if (names.length === 0) return list(runtime, context.output);
  const fetched: { name: string; path?: string; server?: string }[] = [];
  for (const name of names) {
    if (catalogue.some((entry) => entry.id === name)) {
      const { path } = await provideModel(runtime, { name }, context.output, context.host.signal);
      fetched.push({ name, path });
    } else {
      const { server, url } = ollamaServer(runtime, flags.on);
      const model = ollamaTagOf(name);
      await pullWithProgress(runtime, { url, model }, context);
      fetched.push({ name: model, server });
    }
  }
  const lines = fetched.map(({ name, path, server }) => `${name}: ${path ?? `on ${server}`}`);
  context.output.result(context.output.json ? JSON.stringify({ fetched }) : lines.join('\n'));
  return ExitCode.Ok;
}

/** @throws AppError `setup.unknown-server` */
function ollamaServer(runtime: Runtime, name = 'ollama'): { server: string; url: string } {
  const server = runtime.config.servers[name];
  if (server?.kind === 'ollama') return { server: name, url: server.url.replace(/\/+$/, '') };
  const known = Object.entries(runtime.config.servers).filter(([, { kind }]) => kind === 'ollama');
  throw new AppError('setup.unknown-server', `"${name}" is no Ollama server.`, {
    hint: `Those of the configuration: ${known.map(([key]) => key).join(', ')}. Other servers get their model when they are started.`,
  });
}

async function list(runtime: Runtime, output: Output): Promise<ExitCode> {
  const { hardware, gpus, looks, models } = await runtime.setup.survey();
  const { memory } = hardware;
  if (output.json) {
    const servers = looks.map(({ name, kind, url, state }) => ({ name, kind, url, state }));
    output.result(JSON.stringify({ memory, gpus, servers, models }));
    return ExitCode.Ok;
  }
  const paint = new Chalk({ level: output.color ? 1 : 0 });
  const table = new Table({
    head: ['model', 'size', 'memory', 'fits', 'suits', 'installed'].map((head) => paint.bold(head)),
    colAligns: ['left', 'right', 'right', 'left', 'left', 'left'],
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 2 },
    chars: NO_LINES,
  });
  for (const model of models) table.push(row(model));
  const graphics = gpus.map((gpu) => `${gpu.name} (${formatBytes(gpu.vramBytes)})`);
  output.result(
    [
      table.toString().replaceAll(/[ ]+$/gm, ''),
      '',
      `Memory: ${formatBytes(memory.availableBytes)} available · GPU: ${graphics.join(', ') || 'none found'} · ~ approximate, 4-bit weights`,
      `Servers: ${looks.map(({ name, state }) => `${name} ${state}`).join(', ')}`,
      'Fetch one: aqe-llm setup models <model>',
    ].join('\n'),
  );
  return ExitCode.Ok;
}

const NO_LINES = Object.fromEntries(
  ['top', 'bottom', 'left', 'right', 'mid', 'middle']
    .flatMap((side) => [side, `${side}-mid`, `${side}-left`, `${side}-right`])
    .map((name) => [name, '']),
);

function row(model: ListedModel): string[] {
  const size = (bytes: number | undefined): string =>
    bytes === undefined ? '–' : model.isApproximate ? formatAbout(bytes) : formatBytes(bytes);
  const fits = model.fits === undefined ? '–' : model.fits ? 'yes' : 'no';
  return [
    model.name,
    size(model.bytes),
    size(model.memoryBytes),
    fits,
    `${model.suits ?? '–'}${model.isRecommended ? ' (recommended)' : ''}`,
    model.installed.map((where) => (where === 'file' ? 'yes' : where)).join(', ') || '–',
  ];
}
