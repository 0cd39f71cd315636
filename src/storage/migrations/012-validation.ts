/** Validations: many generated tasks through the router. Times are milliseconds. */
export const migration012 = `
CREATE TABLE validation_runs (
  id TEXT PRIMARY KEY,
  -- What was asked for, as JSON.
  plan TEXT NOT NULL,
  started_at TEXT NOT NULL,
  finished_at TEXT
) STRICT;

CREATE TABLE validation_results (
  run_id TEXT NOT NULL REFERENCES validation_runs (id) ON DELETE CASCADE,
  -- From 0; it and the run's seed give the task.
  task INTEGER NOT NULL,
  -- The task of the suite that it is a variation of.
  base TEXT NOT NULL,
  -- Of the prompt.
  hash BLOB NOT NULL,
  -- NULL where nobody answered; the code says why.
  tier TEXT,
  target TEXT,
  error TEXT,
  -- From the request to the end of its answer; NULL where it was replayed.
  total_ms REAL,
  -- NULL where an attempt has no known price.
  usd REAL,
  -- 0 to 10; NULL where the answer is not in the sample that is run.
  score REAL,
  gold_score REAL,
  -- Whether the unchanged suite's answer fails on the variation; NULL outside of the sample.
  changed INTEGER,
  PRIMARY KEY (run_id, task)
) STRICT, WITHOUT ROWID;
`;
