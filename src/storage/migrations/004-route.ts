/** Requests, their attempts, events and sessions. Times are milliseconds since the Unix epoch. */
export const migration004 = `
CREATE TABLE requests (
  id TEXT PRIMARY KEY,
  at INTEGER NOT NULL,
  -- The process that answers it; one that is gone left it interrupted.
  pid INTEGER NOT NULL,
  source TEXT NOT NULL,
  session TEXT,
  agent TEXT,
  priority TEXT NOT NULL,
  private INTEGER NOT NULL,
  category TEXT NOT NULL,
  complexity TEXT NOT NULL,
  prompt_sha256 TEXT NOT NULL,
  prompt_tokens_estimate INTEGER NOT NULL,
  -- What was chosen, and the whole decision as JSON.
  policy TEXT NOT NULL,
  tier TEXT,
  target TEXT,
  decision TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('running', 'answered', 'failed', 'cancelled', 'interrupted')),
  -- Who answered, which after a failover is not who was chosen.
  answered_tier TEXT,
  answered_target TEXT,
  failure TEXT,
  ttft_ms REAL,
  total_ms REAL,
  overhead_ms REAL,
  input_tokens INTEGER,
  output_tokens INTEGER,
  -- Of all attempts; NULL where one of them has no known price.
  usd REAL
) STRICT;
CREATE INDEX requests_by_time ON requests (at);
CREATE INDEX requests_running ON requests (pid) WHERE state = 'running';

CREATE TABLE attempts (
  request_id TEXT NOT NULL REFERENCES requests (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  at INTEGER NOT NULL,
  tier TEXT NOT NULL,
  target TEXT NOT NULL,
  outcome TEXT NOT NULL,
  ttft_ms REAL,
  total_ms REAL NOT NULL,
  input_tokens INTEGER,
  output_tokens INTEGER,
  cached_input_tokens INTEGER,
  cache_write_tokens INTEGER,
  usd REAL,
  PRIMARY KEY (request_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE route_events (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  request_id TEXT,
  detail TEXT NOT NULL
) STRICT;
CREATE INDEX route_events_by_time ON route_events (at);

CREATE TABLE sessions (
  id TEXT PRIMARY KEY,
  created_at INTEGER NOT NULL,
  used_at INTEGER NOT NULL,
  -- 1 once a turn of it was private: whoever goes on with it sends that turn along.
  private INTEGER NOT NULL DEFAULT 0,
  -- Grows with every turn: a writer that read an older one is told so.
  version INTEGER NOT NULL,
  holder TEXT,
  holder_until INTEGER
) STRICT;

CREATE TABLE session_messages (
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  -- From 0; system messages come before all others and have numbers below it.
  number INTEGER NOT NULL,
  message TEXT NOT NULL,
  PRIMARY KEY (session_id, number)
) STRICT, WITHOUT ROWID;

-- Where the prompt of a session begins for a window of so many tokens.
CREATE TABLE session_trims (
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  context_tokens INTEGER NOT NULL,
  first_message INTEGER NOT NULL,
  PRIMARY KEY (session_id, context_tokens)
) STRICT, WITHOUT ROWID;
`;
