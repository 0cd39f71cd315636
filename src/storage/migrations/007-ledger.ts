/**
 * Attempts as rows of money: they outlive their requests, and most of what they are grouped by is
 * one number, so that a million of them are added up in a second. Times are milliseconds since the
 * Unix epoch, money is in billionths of a US dollar.
 */
export const migration007 = `
-- What many attempts have in common. Empty text stands for what nobody said.
CREATE TABLE attempt_kinds (
  id INTEGER PRIMARY KEY,
  -- <provider>:<model>
  target TEXT NOT NULL,
  provider TEXT NOT NULL GENERATED ALWAYS AS (substr(target, 1, instr(target || ':', ':') - 1)) VIRTUAL,
  model TEXT NOT NULL GENERATED ALWAYS AS (substr(target, instr(target || ':', ':') + 1)) VIRTUAL,
  tier TEXT NOT NULL,
  -- Whether it ran on a machine of one's own, where no invoice comes from.
  self_hosted INTEGER NOT NULL CHECK (self_hosted IN (0, 1)),
  purpose TEXT NOT NULL CHECK (purpose IN ('answer', 'retry', 'shadow', 'refinement', 'embedding', 'baseline')),
  -- Whether it waited in a provider's batch.
  batch INTEGER NOT NULL CHECK (batch IN (0, 1)),
  outcome TEXT NOT NULL,
  agent TEXT NOT NULL,
  category TEXT NOT NULL,
  -- What it was priced by; empty where no price is known.
  price_version TEXT NOT NULL,
  UNIQUE (target, tier, self_hosted, purpose, batch, outcome, agent, category, price_version)
) STRICT;

CREATE TABLE attempts_of_money (
  kind INTEGER NOT NULL REFERENCES attempt_kinds (id),
  at INTEGER NOT NULL,
  -- Of requests; what was asked outside of one has an id of its own.
  request_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  -- NULL where no price is known.
  nano_usd INTEGER,
  -- All of the prompt, and of that what came from a cache and what was written to one.
  input_tokens INTEGER,
  cached_input_tokens INTEGER,
  cache_write_tokens INTEGER,
  -- Of those written, what is kept for an hour and not for five minutes.
  cache_write_hour_tokens INTEGER,
  output_tokens INTEGER,
  -- Of the output, what was thought and not said.
  reasoning_tokens INTEGER,
  total_ms REAL NOT NULL,
  ttft_ms REAL,
  session TEXT,
  -- Equal where several were asked the same outside of a request.
  pair TEXT,
  -- Of the request.
  source TEXT,
  complexity TEXT,
  priority TEXT,
  -- The first bytes of its prompt's hash.
  prompt BLOB,
  PRIMARY KEY (kind, at, request_id, number)
) STRICT, WITHOUT ROWID;

INSERT INTO attempt_kinds (target, tier, self_hosted, purpose, batch, outcome, agent, category, price_version)
SELECT DISTINCT a.target, a.tier, a.tier <> 'cloud', iif(a.number = 0, 'answer', 'retry'),
  r.policy = 'batch.when-convenient', a.outcome, coalesce(r.agent, ''), r.category,
  CASE WHEN a.usd IS NULL THEN '' WHEN a.tier <> 'cloud' THEN 'self-hosted' ELSE 'unversioned' END
FROM attempts a JOIN requests r ON r.id = a.request_id;

INSERT INTO attempts_of_money
SELECT k.id, a.at, a.request_id, a.number, CAST(round(a.usd * 1e9) AS INTEGER), a.input_tokens,
  a.cached_input_tokens, a.cache_write_tokens, NULL, a.output_tokens, NULL, a.total_ms, a.ttft_ms, r.session, NULL,
  r.source, r.complexity, r.priority, unhex(substr(r.prompt_sha256, 1, 16))
FROM attempts a JOIN requests r ON r.id = a.request_id
JOIN attempt_kinds k ON (k.target, k.tier, k.purpose, k.batch, k.outcome, k.agent, k.category, k.price_version) = (
  a.target, a.tier, iif(a.number = 0, 'answer', 'retry'), r.policy = 'batch.when-convenient', a.outcome,
  coalesce(r.agent, ''), r.category,
  CASE WHEN a.usd IS NULL THEN '' WHEN a.tier <> 'cloud' THEN 'self-hosted' ELSE 'unversioned' END);

DROP TABLE attempts;
ALTER TABLE attempts_of_money RENAME TO attempts;
CREATE UNIQUE INDEX attempts_once ON attempts (request_id, number);
-- All that a report by session reads.
CREATE INDEX attempts_by_session ON attempts (session, kind, at, nano_usd, input_tokens, cached_input_tokens,
  cache_write_tokens, cache_write_hour_tokens, output_tokens, reasoning_tokens, total_ms)
  WHERE session IS NOT NULL;
CREATE INDEX attempts_by_pair ON attempts (pair) WHERE pair IS NOT NULL;
`;
