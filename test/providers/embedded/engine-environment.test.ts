import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { engineEnvironment } from '../../../src/providers/embedded/engine-environment.ts';

describe('the engine environment', () => {
  it('keeps what the linker and the drivers need', () => {
    const needed = { PATH: '/bin', LD_LIBRARY_PATH: '/lib', CUDA_PATH: '/cuda', Path: 'C:\\' };
    expect(engineEnvironment({ ...needed, VK_ICD_FILENAMES: undefined })).toEqual(needed);
  });

  it('drops keys, whatever they are called', () => {
    const names = fc.constantFrom(
      'ANTHROPIC_API_KEY',
      'HF_TOKEN',
      'AWS_SECRET_ACCESS_KEY',
      'CUDA_API_KEY',
      'VK_ACCESS_TOKEN',
      'GGML_PASSWORD',
      'NODE_OPTIONS',
    );
    fc.assert(
      fc.property(fc.dictionary(names, fc.string()), (environment) => {
        expect(engineEnvironment(environment)).toEqual({});
      }),
    );
  });
});
