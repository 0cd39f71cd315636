import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { ConfigFile } from '../../src/config/schema.ts';
import { createRuntime } from '../../src/runtime.ts';
import { startModelServer } from '../routing/model-server.ts';

it('tells of routed requests: attempts, tokens, breakers and emergencies', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'aqe-told-'));
  const near = await startModelServer('near');
  const cloud = await startModelServer('cloud');
  const config: ConfigFile = {
    servers: {
      near: { kind: 'openai-compatible', url: near.url },
      cloud: { kind: 'openai-compatible', url: cloud.url },
    },
    tiers: { direct: 'near:m', cloud: 'cloud:m' },
    routing: { cloud: 'emergency-only' },
  };
  writeFileSync(path.join(folder, 'aqe-llm.config.json'), JSON.stringify(config));
  const runtime = await createRuntime({ cwd: folder, env: {}, flags: {} });
  const telemetry = await runtime.openTelemetry({ prometheus: true, warn: () => {} });
  const router = await runtime.openRouter({ onEvent: () => {}, telemetry });
  onTestFinished(async () => {
    await router.close();
    await telemetry.shutdown();
    rmSync(folder, { recursive: true, force: true });
  });
  const ask = async (content: string): Promise<void> => {
    await router.complete({ messages: [{ role: 'user', content }] }).catch(() => {});
  };
  const value = async (name: string, ...labels: string[]): Promise<number> => {
    const line = (await telemetry.prometheus())
      .split('\n')
      .find((text) => text.startsWith(name) && labels.every((label) => text.includes(label)));
    return Number(line?.split(' ').at(-1));
  };

  await ask('Say hello');
  expect(await value('llm_model_selection_total', 'model="m"', 'state="answered"')).toBe(1);
  expect(await value('llm_attempts_total', 'provider="near"', 'outcome="ok"')).toBe(1);
  expect(await value('llm_tokens_processed_total', 'provider="near"', 'type="input"')).toBe(10);
  expect(await value('gen_ai_client_operation_duration_count')).toBe(1);

  near.mood = 'failing';
  await ask('Say hello again');
  await ask('And again');
  expect(await value('llm_circuit_breaker_state', 'provider="near"', 'state="open"')).toBe(1);
  expect(
    await value('llm_emergency_uses_total', 'provider="cloud"', 'local-failures'),
  ).toBeGreaterThan(0);
  expect(await value('llm_requests_in_flight')).toBe(0);
});
