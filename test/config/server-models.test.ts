import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  approximateMemoryBytes,
  findServerModel,
  fitsMachine,
  modelForComplexity,
  serverModels,
} from '../../src/config/server-models.ts';
import { COMPLEXITIES, type Complexity } from '../../src/core/task.ts';

const GB = 1e9;
const level = (complexity: Complexity | undefined): number =>
  complexity === undefined ? -1 : COMPLEXITIES.indexOf(complexity);

const complexities = fc.constantFrom(...COMPLEXITIES);
const machines = fc.record({
  memoryBytes: fc.double({ min: 0, max: 200 * GB, noNaN: true }),
  vramBytes: fc.double({ min: 0, max: 200 * GB, noNaN: true }),
});
const installations = fc.subarray([
  ...serverModels.map((model) => model.ollamaTag),
  'qwen2.5-coder:latest',
  'our-own:latest',
]);

test.each([
  ['simple', 'rnj-1'],
  ['moderate', 'devstral-small-2'],
  ['complex', 'qwen3-coder-30b-a3b'],
  ['reasoning', 'devstral-2'],
] as const)('%s work on a machine with everything goes to %s', (complexity, id) => {
  const installed = serverModels.map((model) => model.ollamaTag);
  expect(modelForComplexity(complexity, { memoryBytes: 128 * GB, installed })).toMatchObject({
    model: { id },
    isInstalled: true,
  });
});

test('what is installed goes before what would have to be fetched', () => {
  const machine = { memoryBytes: 128 * GB, installed: ['our-own', 'Qwen2.5-Coder:0.5b'] };
  expect(modelForComplexity('complex', machine)).toMatchObject({
    model: { id: 'qwen2.5-coder-0.5b' },
    isInstalled: true,
  });
  const none = { memoryBytes: 8 * GB, vramBytes: 24 * 2 ** 30, installed: [] };
  expect(modelForComplexity('reasoning', none)).toMatchObject({
    model: { id: 'qwen3-coder-30b-a3b' },
    isInstalled: false,
  });
  expect(modelForComplexity('simple', { memoryBytes: GB, installed: [] })).toBeUndefined();
});

test('a pick fits, and there is one exactly where something fits', () => {
  fc.assert(
    fc.property(complexities, machines, installations, (complexity, machine, installed) => {
      const pick = modelForComplexity(complexity, { ...machine, installed });
      if (pick === undefined) {
        expect(serverModels.some((model) => fitsMachine(model, machine))).toBe(false);
        return;
      }
      expect(fitsMachine(pick.model, machine)).toBe(true);
    }),
  );
});

test('a pick is never worse than another that could be had: able enough if any is, else the ablest', () => {
  fc.assert(
    fc.property(complexities, machines, installations, (complexity, machine, installed) => {
      const fitting = serverModels.filter((model) => fitsMachine(model, machine));
      const ids = new Set(installed.map((name) => findServerModel(name)?.id));
      const present = fitting.filter((model) => ids.has(model.id));
      const choices = present.length > 0 ? present : fitting;
      const pick = modelForComplexity(complexity, { ...machine, installed });
      expect(pick?.isInstalled ?? false).toBe(present.length > 0);
      const most = Math.max(-1, ...choices.map(({ suits }) => level(suits)));
      const wanted = Math.min(level(complexity), most);
      expect(level(pick?.model.suits)).toBeGreaterThanOrEqual(wanted);
      // Below what is asked for, the ablest of all; above it, no abler one than needed.
      if (pick !== undefined && level(pick.model.suits) < level(complexity)) {
        expect(pick.model).toBe(choices[0]);
      }
      const enough = choices.filter(({ suits }) => level(suits) >= level(complexity));
      if (enough.length > 0) {
        expect(level(pick?.model.suits)).toBe(Math.min(...enough.map(({ suits }) => level(suits))));
      }
    }),
  );
});

test('more memory never gives a less able model', () => {
  fc.assert(
    fc.property(complexities, machines, installations, (complexity, machine, installed) => {
      const pick = modelForComplexity(complexity, { ...machine, installed });
      const grown = { memoryBytes: machine.memoryBytes * 2, vramBytes: machine.vramBytes };
      const more = modelForComplexity(complexity, { ...grown, installed });
      if (pick?.isInstalled !== more?.isInstalled) return;
      const enough = Math.min(level(complexity), level(pick?.model.suits));
      expect(level(more?.model.suits)).toBeGreaterThanOrEqual(enough);
    }),
  );
});

test('a model is found under each of its names, and ablest come first', () => {
  expect(findServerModel('qwen/qwen3-coder-30b-a3b-instruct')?.ollamaTag).toBe('qwen3-coder:30b');
  expect(findServerModel('devstral-small-2:latest')?.id).toBe('devstral-small-2');
  expect(findServerModel('devstral-small-2:24b-cloud')).toBeUndefined();
  const names = serverModels.flatMap((model) => [
    model.id,
    model.ollamaTag,
    model.huggingFace,
    ...model.aliases,
  ]);
  for (const model of serverModels) {
    expect(findServerModel(model.ollamaTag)).toBe(model);
    expect(approximateMemoryBytes(model)).toBeGreaterThan(model.approximateBytes);
  }
  expect(new Set(names).size).toBe(
    names.length - serverModels.filter((m) => m.id === m.ollamaTag).length,
  );
  const levels = serverModels.map(({ suits }) => level(suits));
  expect(levels).toEqual(levels.toSorted((a, b) => b - a));
});
