import { describe, it } from 'vitest';

/** Runs tests that need a real server, or says why they are skipped. */
export function withServer(
  name: string,
  variable: string,
  tests: (location: string) => void,
): void {
  const location = process.env[variable];
  if (location !== undefined && location !== '') {
    tests(location);
    return;
  }
  describe(name, () => {
    it('keeps the contract', (context) => context.skip(`${variable} is not set`));
  });
}
