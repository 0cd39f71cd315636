import { expect, test } from 'vitest';
import { catalogue } from '../../src/config/catalogue.ts';
import type { Hardware } from '../../src/setup/hardware.ts';
import { chooseModel } from '../../src/setup/model-choice.ts';

function machine(memoryGb: number, diskGb: number): Hardware {
  const bytes = memoryGb * 1e9;
  return {
    platform: 'linux',
    memory: { totalBytes: bytes, availableBytes: bytes },
    cores: 2,
    freeDiskBytes: diskGb * 1e9,
  };
}

test('a machine with room gets the default', () => {
  expect(chooseModel(machine(8, 10), catalogue)).toMatchObject({
    entry: { id: 'qwen2.5-coder-1.5b-instruct' },
    passedOver: [],
  });
});

test.each([
  ['memory', machine(2.2, 10), 'needs 2.75 GB of memory (2.20 GB available)'],
  ['disk', machine(8, 0.6), 'needs 1.17 GB of disk (600 MB free)'],
])('short of %s, the smaller one is chosen and the reason kept', (_, hardware, reason) => {
  const choice = chooseModel(hardware, catalogue);
  expect(choice.entry.id).toBe('qwen2.5-coder-0.5b-instruct');
  expect(choice.passedOver).toEqual([`qwen2.5-coder-1.5b-instruct ${reason}`]);
});

test('a model that is already here needs no disk', () => {
  const present = new Set(['qwen2.5-coder-1.5b-instruct']);
  expect(chooseModel(machine(8, 0), catalogue, present).entry.isDefault).toBe(true);
});

test('when none fits, the error says what is needed and what was found', () => {
  expect(() => chooseModel(machine(1, 0.1), catalogue)).toThrow(
    expect.objectContaining({
      code: 'model.none-fits',
      message: expect.stringContaining(
        'qwen2.5-coder-0.5b-instruct needs 2.00 GB of memory (1.00 GB available) and needs 516 MB of disk (100 MB free)',
      ),
    }),
  );
});

test('the model for tests is never chosen', () => {
  expect(() => chooseModel(machine(1.8, 10), catalogue)).toThrow(/No model of the catalogue fits/);
});
