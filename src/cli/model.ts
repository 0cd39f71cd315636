import { createRuntime, type LocalModel, type Runtime } from '../runtime.ts';
import type { CommandContext } from './main.ts';
import { formatWait, type Output } from './output/output.ts';

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
  let since: { at: number; bytes: number } | undefined;
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
          const at = runtime.clock.monotonic();
          if (since === undefined || event.doneBytes < since.bytes)
            since = { at, bytes: event.doneBytes };
          progress.update(`${bar(event.doneBytes, event.totalBytes)} ${pace(event, since, at)}`);
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

const BAR_WIDTH = 24;
const MEGA = 1_000_000;

function bar(done: number, total: number): string {
  const filled = Math.round((done / total) * BAR_WIDTH);
  const percent = Math.floor((done / total) * 100);
  return `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${percent} %`;
}

function pace(
  { doneBytes, totalBytes }: { doneBytes: number; totalBytes: number },
  since: { at: number; bytes: number },
  now: number,
): string {
  const sizes = `${Math.round(doneBytes / MEGA)} of ${Math.round(totalBytes / MEGA)} MB`;
  const seconds = (now - since.at) / 1000;
  const perSecond = (doneBytes - since.bytes) / seconds;
  if (seconds < 1 || !(perSecond > 0)) return sizes;
  const left = formatWait(((totalBytes - doneBytes) / perSecond) * 1000);
  return `${sizes}, ${(perSecond / MEGA).toFixed(1)} MB/s, about ${left} left`;
}
