import type { createRuntime } from '../src/runtime.ts';

/** A model of the catalogue as a file, fetched if it is not here yet. */
export async function modelFile(
  runtime: Awaited<ReturnType<typeof createRuntime>>,
  model: string,
): Promise<string> {
  const wanted = await runtime.wantModel(model);
  if (wanted.kind === 'file') return wanted.path;
  const signal = new AbortController().signal;
  for await (const event of runtime.provideModel(wanted, { signal })) {
    if (event.type === 'finished') return event.path;
  }
  throw new Error('the model is not here');
}
