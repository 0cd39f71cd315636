/** Rollouts: what was done to them, and what was observed. Times are milliseconds since the Unix epoch. */
export const migration009 = `
-- Each entry is chained to the one before by its hash; the state of a rollout is what its entries tell.
CREATE TABLE rollout_log (
  seq INTEGER PRIMARY KEY,
  -- The entry as JSON, which is what is hashed.
  text TEXT NOT NULL,
  previous TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;
-- The newest entry, so that a log without its end is known as such.
CREATE TABLE rollout_head (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  seq INTEGER NOT NULL,
  hash TEXT NOT NULL
) STRICT;

CREATE TABLE rollout_observations (
  id INTEGER PRIMARY KEY,
  rollout TEXT NOT NULL,
  -- The entry of the log that began the stage.
  stage INTEGER NOT NULL,
  at INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  -- 48 bits of the hash of session or request.
  unit INTEGER NOT NULL,
  arm TEXT NOT NULL CHECK (arm IN ('candidate', 'reference')),
  category TEXT NOT NULL,
  compared TEXT NOT NULL CHECK (compared IN ('no', 'busy', 'done')),
  -- NULL where that side was not asked.
  candidate_outcome TEXT,
  candidate_ms REAL,
  candidate_usd REAL,
  reference_outcome TEXT,
  reference_ms REAL,
  reference_usd REAL,
  grading TEXT NOT NULL CHECK (grading IN ('none', 'scored', 'unknown', 'errored')),
  -- From 0 to 10.
  candidate_score REAL,
  reference_score REAL,
  UNIQUE (rollout, request_id)
) STRICT;
CREATE INDEX rollout_observations_by_stage ON rollout_observations (rollout, stage, id);

-- The bounds of quality as they tightened, now and then.
CREATE TABLE rollout_checks (
  rollout TEXT NOT NULL,
  stage INTEGER NOT NULL,
  pairs INTEGER NOT NULL,
  at INTEGER NOT NULL,
  ratio REAL NOT NULL,
  lower REAL NOT NULL,
  -- NULL where there is none.
  upper REAL,
  PRIMARY KEY (rollout, stage, pairs)
) STRICT, WITHOUT ROWID;
`;
