import { describe, expect, it } from 'vitest';
import { loadPrices } from '../../src/config/prices/load-prices.ts';
import { createPriceBook } from '../../src/config/prices/price-book.ts';
import type { ServerConfig } from '../../src/config/schema.ts';
import { createCharges, type Chargeable } from '../../src/ledger/charge.ts';

const openai = (url: string, more: object = {}): ServerConfig => ({
  kind: 'openai-compatible',
  url,
  ...more,
});
const SERVERS: Record<string, ServerConfig> = {
  here: openai('http://127.0.0.1:8000'),
  compose: openai('http://vllm:8000'),
  rack: openai('http://10.1.2.3:8000'),
  remote: openai('https://api.example.com'),
  ours: openai('https://llm.example.com', { private: true }),
  claude: { kind: 'anthropic', url: 'https://proxy.example.com', apiKeyEnv: 'K' },
};
const charges = createCharges(SERVERS, loadPrices(undefined));
const usage = { inputTokens: 1000, outputTokens: 500 };
const attempt = (changes: Partial<Chargeable>): Chargeable => ({
  target: 'claude:claude-sonnet-5',
  tier: 'cloud',
  at: Date.UTC(2026, 10, 24),
  outcome: 'ok',
  usage,
  ttftMs: 100,
  ...changes,
});
const LISTED = { selfHosted: false, usd: 0.007, priceVersion: '2026-11' };
const OWN = { selfHosted: true, usd: 0, priceVersion: 'self-hosted' };
const UNPRICED = { selfHosted: false };
const FREE = { selfHosted: false, usd: 0, priceVersion: 'not-billed' };

describe('what an attempt costs', () => {
  it.each<[string, Partial<Chargeable>, object]>([
    ['Claude at its list price', {}, LISTED],
    ['half of it in a batch', { batch: true }, { ...LISTED, usd: 0.0035 }],
    ['nothing on this machine', { target: 'here:q', tier: 'direct' }, OWN],
    ['nothing in the same network', { target: 'compose:q', tier: 'direct' }, OWN],
    ['nothing at a private address', { target: 'rack:q', tier: 'orchestrated' }, OWN],
    ['nothing on a server that is said to be one’s own', { target: 'ours:q', tier: 'direct' }, OWN],
    ['nothing in the engine that comes along', { target: 'embedded:q', tier: 'direct' }, OWN],
    ['nobody knows what elsewhere', { target: 'remote:q', tier: 'direct' }, UNPRICED],
    ['nobody knows what through a proxy here', { target: 'here:q', tier: 'cloud' }, UNPRICED],
    ['nobody knows what of a model like another', { target: 'claude:claude-sonnet' }, UNPRICED],
    ['nobody knows what where nothing was reported', { usage: undefined }, UNPRICED],
    ['nobody knows what where the end was not reported', { usage: { inputTokens: 9 } }, UNPRICED],
    ['the whole of it, failed or not', { outcome: 'truncated-stream' }, LISTED],
    [
      'nothing where it was refused before a token was read',
      { outcome: 'overloaded', usage: undefined, ttftMs: undefined },
      FREE,
    ],
    [
      'nobody knows what where tokens came before the refusal',
      { outcome: 'overloaded', usage: undefined },
      UNPRICED,
    ],
    ['nothing where it failed in a batch', { outcome: 'timeout', batch: true }, FREE],
  ])('%s', (_, changes, expected) => {
    expect(charges.of(attempt(changes))).toEqual(expected);
  });

  it('is what the user says of a server of their own', () => {
    const rates = { input: 1, output: 1 };
    const priced = createCharges(
      SERVERS,
      createPriceBook(
        { version: 'p', currency: 'USD', prices: [] },
        {
          version: 'ours',
          currency: 'USD',
          prices: [{ provider: 'here', models: ['q:7b'], usdPerMTok: rates }],
        },
      ),
    );
    expect(priced.of(attempt({ target: 'here:q:7b', tier: 'direct' }))).toEqual({
      selfHosted: false,
      usd: 0.0015,
      priceVersion: 'ours',
    });
    expect(priced.of(attempt({ target: 'here:q', tier: 'direct' }))).toEqual(OWN);
  });
});
