import { loadPrices } from '../../../src/config/prices/load-prices.ts';
import type { Hardware } from '../../../src/config/schema.ts';
import { seededIndex } from '../../../src/core/random.ts';
import { createCharges, type Charges } from '../../../src/ledger/charge.ts';
import type { Purpose, RecordedAttempt } from '../../../src/ledger/ledger.ts';
import { createLedger } from '../../../src/ledger/sqlite-ledger.ts';
import type { Database } from '../../../src/storage/database.ts';
import { newEnding, newRequest } from '../records.ts';

export const SERVERS = {
  ollama: { kind: 'ollama', url: 'http://127.0.0.1:11434' },
  anthropic: { kind: 'anthropic', url: 'https://api.anthropic.com', apiKeyEnv: 'K' },
  elsewhere: { kind: 'openai-compatible', url: 'https://api.example.com' },
} as const;

export const charges: Charges = createCharges(SERVERS, loadPrices(undefined));

export const MACHINE: Hardware = {
  name: 'gpu-1',
  servers: ['ollama'],
  capexUsd: 8760,
  residualUsd: 0,
  lifeYears: 4,
  kW: 0.4,
  pue: 1.25,
  usdPerKWh: 0.3,
  opsUsdPerMonth: 73,
  tokensPerSecond: 60,
};

const AGENTS = [
  'qe-test-generator',
  'qe-coverage-analyzer',
  'qe-flaky-test-hunter',
  'qe-code-reviewer',
];
const CATEGORIES = [
  'test-generation',
  'coverage-analysis',
  'flaky-detection',
  'code-review',
] as const;
const COMPLEXITIES = ['simple', 'moderate', 'complex'] as const;

export interface SampleOptions {
  /** Milliseconds since the Unix epoch. */
  since: number;
  until: number;
  requests: number;
  seed?: number;
  /** Whether local answers have a shadow on Claude now and then. */
  shadows?: boolean;
}

/** Writes a fleet's requests as the router would, through the ledger itself. */
export function writeSample(
  database: Database,
  { since, until, requests, seed = 7, shadows = true }: SampleOptions,
): void {
  const ledger = createLedger(database);
  const index = seededIndex(seed);
  const attempt = (
    target: string,
    purpose: Purpose,
    at: number,
    tokens: { input: number; output: number; cached?: number },
  ): RecordedAttempt => {
    const tier = target.startsWith('ollama') ? 'direct' : 'cloud';
    const usage = {
      inputTokens: tokens.input,
      outputTokens: tokens.output,
      ...(tokens.cached === undefined
        ? {}
        : { cachedInputTokens: tokens.cached, cacheWriteTokens: Math.floor(tokens.cached / 8) }),
    };
    const about = { at, tier, target, batch: false, outcome: 'ok', usage, ttftMs: 200 };
    return { ...about, purpose, totalMs: 800 + tokens.output * 12, ...charges.of(about) };
  };
  database.transaction(() => {
    for (let number = 0; number < requests; number++) {
      const at = since + Math.floor(((until - since) * number) / requests);
      const kind = index(AGENTS.length);
      const id = `r-${String(number).padStart(6, '0')}`;
      ledger.begin(
        newRequest({
          id,
          at,
          agent: AGENTS[kind] ?? '',
          category: CATEGORIES[kind] ?? 'other',
          complexity: COMPLEXITIES[index(3)] ?? 'simple',
          session: `s-${Math.floor(number / 6)}`,
          priority: index(10) === 0 ? 'low' : 'medium',
          source: index(8) === 0 ? 'batch' : 'openai',
          promptSha256: (index(4) === 0 ? index(40) : 1000 + number)
            .toString(16)
            .padStart(8, '0')
            .padEnd(64, '0'),
        }),
      );
      const input = 900 + index(5000);
      const output = 150 + index(900);
      const cached = index(3) === 0 ? Math.floor(input / 2) : undefined;
      const claude = {
        input: Math.round(input * (1.02 + index(20) / 100)),
        output: Math.round(output * (0.95 + index(30) / 100)),
        ...(cached === undefined ? {} : { cached }),
      };
      const attempts: RecordedAttempt[] = [];
      // Local models take over in the course of the time.
      const isLocal = index(requests) < number;
      if (isLocal) {
        attempts.push(attempt('ollama:qwen2.5-coder:7b', 'answer', at, { input, output }));
        if (shadows && index(12) === 0) {
          attempts.push(attempt('anthropic:claude-sonnet-5-5', 'shadow', at + 40, claude));
        }
      } else if (index(20) === 0) {
        const about = { at, tier: 'cloud', target: 'anthropic:claude-sonnet-5-5', batch: false };
        const failed = { ...about, outcome: 'overloaded' };
        attempts.push({ ...failed, purpose: 'answer', totalMs: 90, ...charges.of(failed) });
        attempts.push(attempt('anthropic:claude-haiku-4-5', 'retry', at + 100, claude));
      } else {
        const target = index(60) === 0 ? 'elsewhere:m' : 'anthropic:claude-sonnet-5-5';
        attempts.push(attempt(target, 'answer', at, claude));
      }
      ledger.end(
        id,
        newEnding(),
        attempts.map((each, place) => ({ number: place, ...each })),
      );
    }
  })();
}
