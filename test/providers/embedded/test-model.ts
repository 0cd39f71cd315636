import { existsSync } from 'node:fs';

/** The path of the small model that tests run for real. */
export function testModelPath(): string {
  const path = process.env['AQE_LLM_TEST_MODEL'];
  if (path === undefined || !existsSync(path)) {
    throw new Error(
      `AQE_LLM_TEST_MODEL must name a GGUF file (smollm2-135m-instruct); it is ${path ?? 'not set'}. ` +
        '`npm test` fetches one and sets it.',
    );
  }
  return path;
}
