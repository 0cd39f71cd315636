import { expect, test } from 'vitest';
import { catalogue } from '../../src/config/catalogue.ts';
import type { ServerMachine } from '../../src/config/server-models.ts';
import { listModels, ollamaTagOf, type ListedModel } from '../../src/setup/model-list.ts';

function listed(machine: ServerMachine): Map<string, ListedModel> {
  const models = listModels({
    files: catalogue,
    present: new Set(['qwen2.5-coder-0.5b-instruct', 'smollm2-135m-instruct']),
    machine,
    looks: [
      {
        name: 'ollama',
        kind: 'ollama',
        url: 'http://o',
        state: 'up',
        models: [{ name: 'rnj-1:8b', bytes: 5e9 }, { name: 'our-own:latest' }],
      },
      {
        name: 'vllm',
        kind: 'openai-compatible',
        url: 'http://v',
        state: 'up',
        models: [{ name: 'EssentialAI/rnj-1-instruct' }],
      },
      { name: 'dead', kind: 'ollama', url: 'http://d', state: 'absent' },
    ],
  });
  return new Map(models.map((model) => [model.name, model]));
}

test('a model is where its servers list it, under whatever name', () => {
  const models = listed({ memoryBytes: 8e9 });
  expect(models.get('rnj-1')).toMatchObject({
    installed: ['ollama', 'vllm'],
    fits: true,
    isApproximate: true,
  });
  expect(models.get('qwen2.5-coder-0.5b-instruct')).toMatchObject({
    runs: 'file',
    installed: ['file'],
    isApproximate: false,
  });
  expect(models.get('our-own:latest')).toEqual({
    name: 'our-own:latest',
    title: 'our-own:latest',
    runs: 'server',
    isApproximate: false,
    installed: ['ollama'],
    isRecommended: false,
  });
  expect(models.has('smollm2-135m-instruct')).toBe(false);
});

test.each([
  [{ memoryBytes: 64e9 }, ['rnj-1']],
  [{ memoryBytes: 64e9, vramBytes: 24e9 }, ['devstral-small-2']],
  [{ memoryBytes: 7e9 }, ['qwen2.5-coder:7b']],
  [{ memoryBytes: 1e9 }, []],
])('one that fits is recommended: %j', (machine, names) => {
  const models = [...listed(machine).values()];
  expect(models.filter((model) => model.isRecommended).map(({ name }) => name)).toEqual(names);
});

test('our names become Ollama’s, and others stay', () => {
  expect(ollamaTagOf('qwen3-coder-30b-a3b')).toBe('qwen3-coder:30b');
  expect(ollamaTagOf('Qwen/Qwen2.5-Coder-7B-Instruct')).toBe('qwen2.5-coder:7b');
  expect(ollamaTagOf('rnj-1:8b')).toBe('rnj-1:8b');
  expect(ollamaTagOf('phi4:14b')).toBe('phi4:14b');
});
