import { createRuntime, type LocalModel, type Runtime } from '../runtime.ts';
import type { CommandContext } from './main.ts';
import type { Output } from './output/output.ts';
import { transferLine } from './output/transfer.ts';

/** The runtime of one command line. */
export function runtimeFor(
  { host, flags }: CommandContext,
  extra: { threads?: number | undefined; mayBeAbsent?: boolean } = {},
): Promise<Runtime> {
  const { cwd, env } = host;
  return createRuntime({ cwd, env, flags: { config: flags.config, state: flags.state, ...extra } });
}

export interface ModelRequest {
  /** An id of the catalogue or a GGUF file; the machine chooses when absent. */
  name: string | undefined;
  /** A file that is to be used for the catalogue's model. */
  modelFile?: string | undefined;
}

/** Finds or fetches a model and shows how far it has come. */
export async function provideModel(
  runtime: Runtime,
  { name, modelFile }: ModelRequest,
  output: Output,
  signal: AbortSignal,
): Promise<LocalModel> {
  const wanted = await runtime.wantModel(name);
  if (wanted.kind === 'file') return wanted;
  for (const reason of wanted.choice.passedOver) output.note(`Passed over: ${reason}`);
  const options = { signal, ...(modelFile === undefined ? {} : { modelFile }) };
  const progress = await output.progress();
  const draw = transferLine(() => runtime.clock.monotonic());
  let fetched = false;
  try {
    for await (const event of runtime.provideModel(wanted, options)) {
      switch (event.type) {
        case 'started':
          break;
        case 'waiting':
          progress.update(`Another process is fetching ${wanted.id}; waiting for it`);
          break;
        case 'source-failed':
          progress.log(`${event.source}: ${event.reason}`);
          break;
        case 'retrying':
          progress.log(`${event.source}: ${event.reason}; trying again`);
          break;
        case 'progress': {
          if (!fetched)
            progress.log(`Fetching ${wanted.choice.entry.title}, ${wanted.choice.entry.license} …`);
          fetched = true;
          progress.update(draw(event));
          break;
        }
        case 'verifying':
          progress.update(`Checking the SHA-256 of ${event.path}`);
          break;
        case 'finished':
          if (fetched) progress.log(`${wanted.id} is at ${event.path}`);
          return { id: wanted.id, path: event.path };
      }
    }
  } finally {
    progress.stop();
  }
  throw new Error('the search for a model ended without a last event');
}
