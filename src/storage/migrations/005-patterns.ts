/** Learned patterns. Times are milliseconds since the Unix epoch; vectors are little-endian 32-bit floats. */
export const migration005 = `
-- One row: whose vectors the store holds, and how often it began anew with another embedder's.
CREATE TABLE pattern_space (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  embedder TEXT NOT NULL,
  dimension INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  -- The embedder that a change-over goes to, while one is under way.
  next_embedder TEXT,
  next_dimension INTEGER
) STRICT;

CREATE TABLE patterns (
  row INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  -- Of its vector.
  label INTEGER NOT NULL UNIQUE,
  name TEXT NOT NULL,
  category TEXT NOT NULL,
  scope TEXT NOT NULL,
  -- Beta posterior of the answer being right.
  alpha REAL NOT NULL CHECK (alpha > 0),
  beta REAL NOT NULL CHECK (beta > 0),
  uses INTEGER NOT NULL,
  good INTEGER NOT NULL,
  bad INTEGER NOT NULL,
  -- Who says that it is right: execution, a reviewer, or nobody.
  verified TEXT NOT NULL CHECK (verified IN ('no', 'execution', 'review')),
  tier TEXT,
  provenance TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  expires_at INTEGER,
  -- Why it is kept from use.
  quarantine TEXT,
  prompt_sha256 BLOB NOT NULL,
  -- The long ones last: what stands before them is read without them.
  prompt TEXT NOT NULL,
  answer TEXT NOT NULL
) STRICT;
CREATE INDEX patterns_by_prompt ON patterns (prompt_sha256);

-- A vector is never changed: a new one has a new label, and the old label is buried. So whoever
-- keeps an index reads on from the last label and the last burial that it knows.
CREATE TABLE pattern_vectors (
  label INTEGER PRIMARY KEY AUTOINCREMENT,
  vector BLOB NOT NULL
) STRICT;
CREATE TABLE pattern_burials (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  label INTEGER NOT NULL
) STRICT;
-- Vectors of the embedder that a change-over goes to.
CREATE TABLE pattern_next_vectors (
  row INTEGER PRIMARY KEY REFERENCES patterns (row) ON DELETE CASCADE,
  vector BLOB NOT NULL
) STRICT;

-- What was looked up, what came of it, and whether the remembered answer was right, once somebody knows.
CREATE TABLE pattern_recalls (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  request_id TEXT,
  mode TEXT NOT NULL CHECK (mode IN ('shadow', 'on')),
  kind TEXT NOT NULL CHECK (kind IN ('exact', 'near', 'ask', 'guarded', 'nothing')),
  row INTEGER REFERENCES patterns (row) ON DELETE CASCADE,
  similarity REAL,
  -- What the prompts differ in, where that spoke against the answer.
  difference TEXT,
  correct INTEGER
) STRICT;
CREATE INDEX pattern_recalls_by_row ON pattern_recalls (row) WHERE correct IS NOT NULL;
CREATE INDEX pattern_recalls_by_request ON pattern_recalls (request_id);
CREATE INDEX pattern_recalls_by_time ON pattern_recalls (at);

-- Vectors of texts that were asked for before.
CREATE TABLE embedded_texts (
  embedder TEXT NOT NULL,
  sha256 BLOB NOT NULL,
  vector BLOB NOT NULL,
  used_at INTEGER NOT NULL,
  PRIMARY KEY (embedder, sha256)
) STRICT, WITHOUT ROWID;
CREATE INDEX embedded_texts_by_use ON embedded_texts (used_at);
`;
