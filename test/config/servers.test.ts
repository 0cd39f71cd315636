import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { AppError } from '../../src/core/errors.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(path.join(tmpdir(), 'aqe-servers-'));
});
afterEach(() => {
  rmSync(cwd, { recursive: true, force: true });
});

const load = (config: unknown = {}, env = {}) => {
  writeFileSync(path.join(cwd, 'aqe-llm.config.json'), JSON.stringify(config));
  return loadConfig({ cwd, env, flags: {} });
};

describe('servers of the configuration', () => {
  it('are known without being named', async () => {
    const { servers } = await load();
    expect(servers).toEqual({
      ollama: { kind: 'ollama', url: 'http://127.0.0.1:11434' },
      vllm: { kind: 'openai-compatible', url: 'http://127.0.0.1:8000' },
      'llama-server': { kind: 'openai-compatible', url: 'http://127.0.0.1:8080' },
      anthropic: {
        kind: 'anthropic',
        url: 'https://api.anthropic.com',
        apiKeyEnv: 'ANTHROPIC_API_KEY',
      },
    });
  });

  it('may be added to and redefined', async () => {
    const farm = { kind: 'openai-compatible', url: 'http://10.0.0.7:8000', apiKeyEnv: 'FARM_KEY' };
    const { servers } = await load({ servers: { farm, ollama: { kind: 'ollama' } } });
    expect(servers).toMatchObject({ farm, ollama: { url: 'http://127.0.0.1:11434' } });
    expect(Object.keys(servers)).toHaveLength(5);
  });

  it.each([
    ['127.0.0.1:11439', 'http://127.0.0.1:11439'],
    ['0.0.0.0', 'http://127.0.0.1:11434'],
    ['gpu-box', 'http://gpu-box:11434'],
    ['https://ollama.example', 'https://ollama.example'],
    ['not an address', 'http://127.0.0.1:11434'],
  ])("take Ollama's address %s from its own variable", async (OLLAMA_HOST, url) => {
    expect((await load({}, { OLLAMA_HOST })).servers.ollama).toEqual({ kind: 'ollama', url });
  });

  it('yield to what the file says of them', async () => {
    const ollama = { kind: 'ollama', url: 'http://10.0.0.9:11434' };
    const { servers } = await load({ servers: { ollama } }, { OLLAMA_HOST: '127.0.0.1:1' });
    expect(servers.ollama).toEqual(ollama);
  });

  it('name every problem with its place', async () => {
    const error: unknown = await load({
      servers: {
        embedded: { kind: 'ollama' },
        farm: { kind: 'openai-compatible', url: 'ftp://x' },
        odd: { kind: 'vllm' },
        keyed: { kind: 'anthropic', apiKeyEnv: 'sk-1234-secret' },
      },
      tiers: { direct: 'Ollama' },
      breaker: { quality: 2 },
    }).catch((thrown: unknown) => thrown);
    if (!(error instanceof AppError)) throw new Error('expected an AppError');
    expect(error.problems.map((problem) => problem.path).sort()).toEqual([
      'breaker.quality',
      'servers.embedded',
      'servers.farm.url',
      'servers.keyed.apiKeyEnv',
      'servers.odd.kind',
      'tiers.direct',
    ]);
    expect(JSON.stringify(error.problems)).not.toContain('secret');
  });
});
