import { describe, expect, it } from 'vitest';
import { fromLiteLlm } from '../../../src/config/prices/litellm.ts';
import { readPrices } from '../../../src/config/prices/price-file.ts';

const CLAUDE = {
  litellm_provider: 'anthropic',
  mode: 'chat',
  input_cost_per_token: 3e-6,
  output_cost_per_token: 1.5e-5,
  cache_read_input_token_cost: 3e-7,
  cache_creation_input_token_cost: 3.75e-6,
  cache_creation_input_token_cost_above_1hr: 6e-6,
  input_cost_per_token_above_200k_tokens: 6e-6,
  output_cost_per_token_above_200k_tokens: 2.25e-5,
  input_cost_per_token_batches: 1.5e-6,
  output_cost_per_token_batches: 7.5e-6,
};
const FILE = {
  sample_spec: { input_cost_per_token: 0, litellm_provider: 'one of …' },
  'claude-sonnet-4-5': CLAUDE,
  'openrouter/a/b': {
    litellm_provider: 'openrouter',
    input_cost_per_token: 1e-7,
    output_cost_per_token: 4e-7,
  },
  'dall-e': { litellm_provider: 'openai', output_cost_per_image: 0.06 },
};

describe('prices in LiteLLM’s shape', () => {
  it('become ours, per million and exactly, and what they do not tell stays unknown', () => {
    const { file, problems, passedOver } = fromLiteLlm(FILE, 'v', []);
    expect({ problems, passedOver }).toEqual({ problems: [], passedOver: 1 });
    expect(file.prices).toEqual([
      {
        provider: 'anthropic',
        models: ['claude-sonnet-4-5'],
        usdPerMTok: { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75, cacheWriteHour: 6 },
        longPrompts: [
          {
            aboveTokens: 200_000,
            usdPerMTok: {
              input: 6,
              output: 22.5,
              cacheRead: 0.3,
              cacheWrite: 3.75,
              cacheWriteHour: 6,
            },
          },
        ],
        batchShare: 0.5,
        source: 'LiteLLM',
      },
      {
        provider: 'openrouter',
        models: ['a/b'],
        usdPerMTok: { input: 0.1, output: 0.4 },
        source: 'LiteLLM',
      },
    ]);
    expect(readPrices(file).ok).toBe(true);
    expect(fromLiteLlm(FILE, 'v', ['openrouter']).file.prices).toHaveLength(1);
  });

  it('are told of everything that is wrong', () => {
    const { problems } = fromLiteLlm(
      {
        a: { ...CLAUDE, input_cost_per_token: -1 },
        b: { ...CLAUDE, litellm_provider: 7 },
        c: { ...CLAUDE, currency: 'EUR' },
        d: CLAUDE,
        'anthropic/d': CLAUDE,
      },
      'v',
      [],
    );
    expect(problems.map(({ path }) => path)).toEqual([
      'a.input_cost_per_token',
      'b.litellm_provider',
      'c',
      'anthropic/d',
    ]);
    expect(fromLiteLlm([], 'v', []).problems).toHaveLength(1);
  });
});
