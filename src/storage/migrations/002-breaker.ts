/**
 * Circuit breakers by provider id, and the failures that count while one is closed. Times are
 * milliseconds since the Unix epoch. `generation` grows with every change of state and every probe,
 * so that a verdict which comes too late is known as such.
 */
export const migration002 = `
CREATE TABLE breakers (
  id TEXT PRIMARY KEY,
  state TEXT NOT NULL CHECK (state IN ('closed', 'open', 'half-open')),
  generation INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('error', 'latency', 'quality')),
  since INTEGER NOT NULL,
  successes INTEGER NOT NULL,
  probe_claimed_at INTEGER,
  probe_expires_at INTEGER
) STRICT;

CREATE TABLE breaker_failures (
  breaker_id TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX breaker_failures_by_breaker ON breaker_failures (breaker_id, at);
`;
