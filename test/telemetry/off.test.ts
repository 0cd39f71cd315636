import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { compiledEntry } from '../../src/core/compiled-entry.ts';
import { createTelemetry, NO_TELEMETRY } from '../../src/telemetry/telemetry.ts';
import { telemetryOptions, tellOneOfEach } from './one-of-each.ts';

const execute = promisify(execFile);
const BUILT = compiledEntry(
  new URL('../../src/telemetry/x.ts', import.meta.url).href,
  './telemetry.js',
);

/** How many files of OpenTelemetry a process has loaded once it has made its telemetry and used it. */
async function filesLoaded(prometheus: boolean, env: Record<string, string> = {}): Promise<number> {
  const script = `
    import { createRequire } from 'node:module';
    const { createTelemetry } = await import(${JSON.stringify(BUILT.href)});
    const telemetry = await createTelemetry({
      env: process.env, clock: {}, version: '1', prometheus: ${prometheus},
      targets: async () => [], servers: {}, warn() {},
    });
    telemetry.requestStarted({ requestId: 'r', source: 'cli', private: false, session: false });
    await telemetry.prometheus();
    const { cache } = createRequire(import.meta.url);
    console.log(Object.keys(cache).filter((file) => file.includes('@opentelemetry')).length);
    process.exit();`;
  const { stdout } = await execute(process.execPath, ['--input-type=module', '-e', script], {
    env: { PATH: process.env['PATH'], ...env },
  });
  return Number(stdout);
}

describe('telemetry that nobody asked for', () => {
  it('loads nothing of OpenTelemetry, and the same look sees it where it is on', async () => {
    expect(await filesLoaded(false)).toBe(0);
    expect(
      await filesLoaded(true, {
        OTEL_SDK_DISABLED: 'TRUE',
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
      }),
    ).toBe(0);
    expect(await filesLoaded(true)).toBeGreaterThan(0);
  });

  it('takes every event and says that it is off', async () => {
    const telemetry = await createTelemetry(telemetryOptions({}));
    expect(telemetry).toBe(NO_TELEMETRY);
    tellOneOfEach(telemetry);
    expect(await telemetry.prometheus()).toBe('# Metrics are off.\n');
    await telemetry.shutdown();
  });

  it.each([
    [{}, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: '' }, false],
    [{ OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'console' }, false],
    [{ OTEL_TRACES_EXPORTER: 'otlp' }, true],
    [{ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://127.0.0.1:9/v1/metrics' }, true],
  ])('with %o is on: %s', async (env, on) => {
    const telemetry = await createTelemetry(
      telemetryOptions({ env, clock: { now: () => 0, monotonic: () => 0, sleep: async () => {} } }),
    );
    expect(telemetry !== NO_TELEMETRY).toBe(on);
    await telemetry.shutdown();
  });
});
