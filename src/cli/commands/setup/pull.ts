import type { Runtime } from '../../../runtime.ts';
import type { CommandContext } from '../../main.ts';
import { transferLine } from '../../output/transfer.ts';

/** Has an Ollama server fetch a model and shows how far it has come. */
export async function pullWithProgress(
  runtime: Runtime,
  { url, model }: { url: string; model: string },
  { host, output }: CommandContext,
): Promise<void> {
  const progress = await output.progress();
  const draw = transferLine(() => runtime.clock.monotonic());
  try {
    progress.log(`Ollama at ${url} fetches ${model} …`);
    for await (const event of runtime.setup.pull(url, model, host.signal)) {
      switch (event.type) {
        case 'status':
          progress.update(`${model}: ${event.text}`);
          break;
        case 'progress':
          progress.update(draw(event));
          break;
        case 'retrying':
          progress.log(`The connection broke (${event.reason}); asking again`);
          break;
        case 'finished':
          progress.log(`${model} is there`);
      }
    }
  } finally {
    if (host.signal.aborted) progress.log('What has come is kept: ask again and it goes on there.');
    progress.stop();
  }
}
