/** Baseline runs, the answers they generated, and what each answer earned. */
export const migration001 = `
CREATE TABLE baseline_runs (
  id TEXT PRIMARY KEY,
  plan TEXT NOT NULL,
  started_at TEXT NOT NULL,
  finished_at TEXT,
  verdict TEXT
) STRICT;

CREATE TABLE baseline_answers (
  run_id TEXT NOT NULL REFERENCES baseline_runs(id) ON DELETE CASCADE,
  side TEXT NOT NULL CHECK (side IN ('candidate', 'reference')),
  task_id TEXT NOT NULL,
  repeat INTEGER NOT NULL,
  recording_key TEXT NOT NULL,
  answer TEXT NOT NULL,
  measured INTEGER NOT NULL CHECK (measured IN (0, 1)),
  answered_at TEXT NOT NULL,
  PRIMARY KEY (run_id, side, task_id, repeat)
) STRICT;
CREATE INDEX baseline_answers_by_recording ON baseline_answers (recording_key, answered_at) WHERE measured = 1;

CREATE TABLE baseline_results (
  run_id TEXT NOT NULL REFERENCES baseline_runs(id) ON DELETE CASCADE,
  side TEXT NOT NULL CHECK (side IN ('candidate', 'reference')),
  task_id TEXT NOT NULL,
  repeat INTEGER NOT NULL,
  result TEXT NOT NULL,
  PRIMARY KEY (run_id, side, task_id, repeat)
) STRICT;
`;
