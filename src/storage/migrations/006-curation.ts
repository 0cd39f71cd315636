/** What people have said of patterns, and the way over from AgentDB. Times are milliseconds since the Unix epoch. */
export const migration006 = `
CREATE TABLE pattern_reviews (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  -- The pattern's id; the review outlives it.
  pattern TEXT NOT NULL,
  action TEXT NOT NULL CHECK (action IN ('approve', 'edit', 'rate', 'reject', 'skip')),
  rating INTEGER,
  note TEXT,
  -- The pattern as it was before, to take the review back.
  before TEXT NOT NULL,
  undone INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX pattern_reviews_by_pattern ON pattern_reviews (pattern) WHERE undone = 0;

-- One row while patterns come over from an AgentDB file.
CREATE TABLE agentdb_migration (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  file TEXT NOT NULL,
  phase TEXT NOT NULL CHECK (phase IN ('copying', 'dual', 'switched')),
  -- Patterns with a higher row are written to the file too.
  since_row INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
-- Which row of the file is which pattern.
CREATE TABLE agentdb_rows (
  kind TEXT NOT NULL CHECK (kind IN ('pattern', 'episode')),
  source INTEGER NOT NULL,
  pattern TEXT NOT NULL UNIQUE,
  -- The row as it was, as JSON.
  content TEXT NOT NULL,
  PRIMARY KEY (kind, source)
) STRICT, WITHOUT ROWID;
`;
