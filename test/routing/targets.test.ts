import { describe, expect, it } from 'vitest';
import { configSchema, USUAL_SERVERS, type ConfigFile } from '../../src/config/schema.ts';
import type { Target } from '../../src/routing/decision.ts';
import { resolveTargets, type Inventory } from '../../src/routing/targets.ts';

const GB = 1e9;

function resolve(file: ConfigFile, inventory?: Inventory): Promise<Target[]> {
  const { tiers, servers } = configSchema.parse(file);
  return resolveTargets({
    tiers,
    servers: { ...USUAL_SERVERS, ...servers },
    embeddedModel: async (name) => name ?? 'chosen',
    askServer: async () => inventory,
  });
}

const line = ({ tier, spec, maySeePrivate, suits }: Target): string =>
  [tier, spec, maySeePrivate ? 'private' : 'public', suits ?? ''].join(' ').trim();

describe('targets', () => {
  it('are the embedded model where nothing is configured', async () => {
    expect((await resolve({})).map(line)).toEqual([
      'orchestrated embedded:chosen private',
      'direct embedded:chosen private',
    ]);
  });

  it('give one local tier to both', async () => {
    const targets = await resolve({ tiers: { direct: 'ollama:a', cloud: 'anthropic:b' } });
    expect(targets.map(line)).toEqual([
      'orchestrated ollama:a private',
      'direct ollama:a private',
      'cloud anthropic:b public',
    ]);
  });

  it('have a model for each complexity', async () => {
    const targets = await resolve({ tiers: { direct: { simple: 'ollama:a', complex: 'vllm:b' } } });
    expect(targets.filter(({ tier }) => tier === 'direct').map(line)).toEqual([
      'direct ollama:a private simple',
      'direct vllm:b private complex',
    ]);
  });

  it('see private prompts on this machine, and elsewhere only where that is said', async () => {
    const far = { kind: 'openai-compatible', url: 'http://models.example:8000' } as const;
    const targets = await resolve({
      servers: {
        far,
        trusted: { ...far, private: true },
        near: { ...far, url: 'http://[::1]:8000' },
      },
      tiers: { direct: { simple: 'far:m', moderate: 'trusted:m', complex: 'near:m' } },
    });
    expect(targets.filter(({ tier }) => tier === 'direct').map(line)).toEqual([
      'direct far:m public simple',
      'direct trusted:m private moderate',
      'direct near:m private complex',
    ]);
  });

  it('never see private prompts in the cloud tier, wherever it listens', async () => {
    const targets = await resolve({ tiers: { cloud: 'vllm:m' } });
    expect(targets.filter(({ tier }) => tier === 'cloud').map(line)).toEqual([
      'cloud vllm:m public',
    ]);
  });

  it('are chosen by complexity among what a server has', async () => {
    const inventory = { memoryBytes: 64 * GB, installed: ['qwen2.5-coder:7b', 'somebody/unknown'] };
    const targets = await resolve({ tiers: { direct: 'ollama:auto' } }, inventory);
    const direct = targets.filter(({ tier }) => tier === 'direct');
    expect(direct.length).toBeGreaterThan(0);
    expect(new Set(direct.map(({ spec }) => spec))).toEqual(new Set(['ollama:qwen2.5-coder:7b']));
    expect(direct.every(({ suits }) => suits !== undefined)).toBe(true);
  });

  it('are the first model there is where the catalogue knows none', async () => {
    const inventory = { memoryBytes: 64 * GB, installed: ['somebody/unknown', 'another'] };
    const targets = await resolve({ tiers: { direct: 'vllm:auto' } }, inventory);
    expect(targets.map(line)).toContain('direct vllm:somebody/unknown private');
  });

  it('are none where the server does not answer', async () => {
    expect(await resolve({ tiers: { direct: 'ollama:auto' } })).toEqual([]);
  });

  it('refuse servers that nobody knows, and a choice where there is none', async () => {
    await expect(resolve({ tiers: { direct: 'nowhere:m' } })).rejects.toMatchObject({
      code: 'config.unknown-server',
    });
    await expect(resolve({ tiers: { cloud: 'anthropic:auto' } })).rejects.toMatchObject({
      code: 'config.no-auto',
    });
  });
});
