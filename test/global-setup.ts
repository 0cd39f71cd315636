import { createRuntime } from '../src/runtime.ts';

/**
 * Finds the small model that tests run for real, or fetches it (98 MB, once a machine), and tells
 * the tests where it lies.
 */
export default async function setup(): Promise<void> {
  if (process.env['AQE_LLM_TEST_MODEL']) return;
  const runtime = await createRuntime({ cwd: process.cwd(), env: process.env, flags: {} });
  const wanted = await runtime.wantModel('smollm2-135m-instruct');
  if (wanted.kind !== 'catalogue') return;
  for await (const event of runtime.provideModel(wanted, {})) {
    if (event.type === 'verifying') process.stderr.write(`Checking ${event.path}\n`);
    if (event.type === 'finished') process.env['AQE_LLM_TEST_MODEL'] = event.path;
  }
}
