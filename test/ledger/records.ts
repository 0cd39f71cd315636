import type { Ending, NewRequest, RecordedAttempt } from '../../src/ledger/ledger.ts';

/** A request as the router would begin it. */
export function newRequest(changes: Partial<NewRequest> = {}): NewRequest {
  return {
    id: 'r-1',
    at: 1_000_000,
    source: 'cli',
    priority: 'medium',
    private: false,
    category: 'test-generation',
    complexity: 'simple',
    promptSha256: 'ab'.repeat(32),
    promptTokensEstimate: 120,
    policy: 'strategy.adaptive',
    tier: 'direct',
    target: 'ollama:rnj-1',
    decision: { policy: 'strategy.adaptive', reasons: ['the smallest that is good enough'] },
    ...changes,
  };
}

export function newAttempt(
  changes: Partial<RecordedAttempt> & { number?: number } = {},
): RecordedAttempt & { number: number } {
  return {
    number: 0,
    at: 1_000_010,
    purpose: 'answer',
    tier: 'direct',
    target: 'ollama:rnj-1',
    selfHosted: true,
    batch: false,
    outcome: 'ok',
    usage: { inputTokens: 100, outputTokens: 20 },
    ttftMs: 40.5,
    totalMs: 300.25,
    usd: 0,
    priceVersion: 'self-hosted',
    ...changes,
  };
}

export function newEnding(changes: Partial<Ending> = {}): Ending {
  return {
    state: 'answered',
    answeredTier: 'direct',
    answeredTarget: 'ollama:rnj-1',
    ttftMs: 41,
    totalMs: 301,
    overheadMs: 0.6,
    ...changes,
  };
}
