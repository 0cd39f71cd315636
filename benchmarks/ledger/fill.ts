import { seededIndex } from '../../src/core/random.ts';
import type { Database } from '../../src/storage/database.ts';

export interface Filled {
  attempts: number;
  since: number;
  until: number;
  kinds: number;
}

const TARGETS = [
  ['orchestrated', 'ollama:qwen2.5-coder:7b', 1],
  ['direct', 'ollama:rnj-1', 1],
  ['cloud', 'anthropic:claude-sonnet-5-5', 0],
  ['cloud', 'anthropic:claude-haiku-4-5', 0],
] as const;
const OUTCOMES = ['ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'overloaded', 'timeout'];
const CATEGORIES = [
  'test-generation',
  'coverage-analysis',
  'flaky-detection',
  'code-review',
  'other',
];
const AGENTS = 31;
const SESSION = 20;
const DAY_MS = 86_400_000;
const DAYS = 90;

/**
 * Attempts of a fleet of 31 agents over 90 days, in sessions of 20 requests, straight into the tables:
 * through the ledger itself a million would take minutes.
 */
export function fill(database: Database, attempts: number, until: number): Filled {
  const index = seededIndex(20_261_127);
  const since = until - DAYS * DAY_MS;
  const insertKind = database.prepare(
    `INSERT INTO attempt_kinds (target, tier, self_hosted, purpose, batch, outcome, agent, category, price_version)
     VALUES (?, ?, ?, ?, 0, ?, ?, ?, ?)`,
  );
  const insert = database.prepare(
    `INSERT INTO attempts (kind, at, request_id, number, nano_usd, input_tokens, cached_input_tokens,
       cache_write_tokens, cache_write_hour_tokens, output_tokens, reasoning_tokens, total_ms, ttft_ms,
       session, pair, source, complexity, priority, prompt)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, NULL, ?, ?, ?, NULL, 'openai', ?, 'medium', ?)`,
  );
  const kinds = new Map<string, number>();
  function kindOf(
    target: (typeof TARGETS)[number],
    purpose: string,
    outcome: string,
    agent: number,
  ): number {
    const key = [target[1], purpose, outcome, agent].join(' ');
    const known = kinds.get(key);
    if (known !== undefined) return known;
    const [tier, spec, own] = target;
    const category = CATEGORIES[agent % CATEGORIES.length] ?? 'other';
    const version = own === 1 ? 'self-hosted' : '2026-11';
    const { lastInsertRowid } = insertKind.run(
      spec,
      tier,
      own,
      purpose,
      outcome,
      `qe-agent-${agent}`,
      category,
      version,
    );
    kinds.set(key, Number(lastInsertRowid));
    return Number(lastInsertRowid);
  }
  // In the order in which rows stand, a table of a million is filled in seconds.
  const rows: unknown[][] = [];
  const prompt = (number: number): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32BE(index(10) === 0 ? index(5000) : number, 4);
    return bytes;
  };
  for (let number = 0; rows.length < attempts; number++) {
    const agent = index(AGENTS);
    const target = TARGETS[index(TARGETS.length)] ?? TARGETS[0];
    const outcome = OUTCOMES[index(OUTCOMES.length)] ?? 'ok';
    const at = since + Math.floor((DAYS * DAY_MS * rows.length) / attempts);
    const [input, output] = [500 + index(6000), 50 + index(900)];
    const id = `q${number.toString(36).padStart(9, '0')}`;
    const row = (kind: number, place: number, usd: number): unknown[] => [
      kind,
      at,
      id,
      place,
      usd,
      input,
      index(input),
      0,
      output,
      800 + output * 10,
      200,
      `s${Math.floor(number / SESSION)}-${agent % 2}`,
      ['simple', 'moderate', 'complex'][index(3)],
      prompt(number),
    ];
    const usd = target[2] === 1 ? 0 : input * 2000 + output * 10_000;
    rows.push(row(kindOf(target, 'answer', outcome, agent), 0, usd));
    if (target[2] === 1 && outcome === 'ok' && index(40) === 0 && rows.length < attempts) {
      rows.push(row(kindOf(TARGETS[2], 'shadow', 'ok', agent), 1, input * 2000 + output * 10_000));
    }
  }
  rows.sort((a, b) => Number(a[0]) - Number(b[0]) || Number(a[1]) - Number(b[1]));
  database.transaction(() => {
    for (const row of rows) insert.run(...row);
  })();
  return { attempts: rows.length, since, until, kinds: kinds.size };
}
