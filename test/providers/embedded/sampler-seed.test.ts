import fc from 'fast-check';
import { expect, it } from 'vitest';
import { samplerSeed } from '../../../src/providers/embedded/sampler-seed.ts';

it('makes any number a seed that llama.cpp takes as it is', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (seed) => {
      const taken = samplerSeed(seed);
      expect(Number.isInteger(taken) && taken >= 0 && taken < 0xffff_ffff).toBe(true);
      expect(Object.is(taken, -0)).toBe(false);
      if (seed >= 0 && seed < 0xffff_ffff) expect(taken).toBe(seed);
    }),
  );
  expect(samplerSeed(-1)).toBe(0xffff_fffe);
  expect(samplerSeed(0xffff_ffff)).toBe(0);
  expect(samplerSeed(7.9)).toBe(7);
});
