import { expect, test } from 'vitest';
import { USUAL_SERVERS } from '../../src/config/schema.ts';
import { changesFor, modelStateOn, resolveSpec } from '../../src/setup/answers.ts';
import type { ServerLook } from '../../src/setup/servers/look.ts';

const baseline = {
  candidate: 'embedded',
  reference: 'replay:gold',
  seed: 1,
  maxTokens: 16,
  temperature: 0,
  rubric: 'linear',
  repeats: 1,
  thresholds: {},
} as const;

test('only what was answered changes', () => {
  expect(changesFor({}, { tiers: {}, baseline }, undefined)).toEqual({});
  expect(changesFor({ cloud: 'anthropic:c' }, { tiers: {}, baseline }, undefined)).toEqual({
    tiers: { cloud: 'anthropic:c' },
  });
  expect(changesFor({ embedded: {}, threads: 2 }, { tiers: {}, baseline }, 'm')).toEqual({
    embedded: { model: 'm', threads: 2 },
  });
});

test('the candidate follows the local tier, unless it is something else already', () => {
  const change = { direct: 'ollama:b' };
  const follow = { tiers: change, baseline: { candidate: 'ollama:b' } };
  expect(changesFor(change, { tiers: {}, baseline }, undefined)).toEqual(follow);
  const same = { tiers: { direct: 'ollama:a' }, baseline: { ...baseline, candidate: 'ollama:a' } };
  expect(changesFor(change, same, undefined)).toEqual(follow);
  const own = { tiers: { direct: 'ollama:a' }, baseline: { ...baseline, candidate: 'vllm:x' } };
  expect(changesFor(change, own, undefined)).toEqual({ tiers: change });
});

test('a spec names a known server, and gets the name that Ollama knows', () => {
  expect(resolveSpec('embedded:some.gguf', {})).toMatchObject({
    name: 'embedded',
    model: 'some.gguf',
  });
  expect(resolveSpec('ollama:qwen3-coder-30b-a3b', USUAL_SERVERS).spec).toBe(
    'ollama:qwen3-coder:30b',
  );
  expect(resolveSpec('ollama:qwen2.5-coder:7b', USUAL_SERVERS).spec).toBe(
    'ollama:qwen2.5-coder:7b',
  );
  for (const spec of ['gpu:x', 'ollama', 'ollama:']) {
    expect(() => resolveSpec(spec, USUAL_SERVERS)).toThrow(
      expect.objectContaining({ code: 'setup.unknown-server' }),
    );
  }
});

test('a model is there, can be fetched, or the server is asked for too much', () => {
  const base = { name: 's', url: 'http://s' };
  const ollama: ServerLook = {
    ...base,
    kind: 'ollama',
    state: 'up',
    models: [{ name: 'rnj-1:latest' }],
  };
  expect(modelStateOn(ollama, 'rnj-1')).toBe('present');
  expect(modelStateOn(ollama, 'phi4')).toBe('to-fetch');
  expect(() =>
    modelStateOn({ ...ollama, kind: 'openai-compatible', models: [{ name: 'a' }] }, 'b'),
  ).toThrow(
    expect.objectContaining({
      code: 'model.not-served',
      hint: expect.stringContaining('It serves: a.'),
    }),
  );
  for (const state of ['absent', 'loading', 'refused'] as const) {
    expect(() => modelStateOn({ ...base, kind: 'ollama', state }, 'a')).toThrow(
      expect.objectContaining({ code: 'server.unreachable' }),
    );
  }
});
