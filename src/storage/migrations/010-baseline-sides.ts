/**
 * Several candidates in one run: a side is `reference` or the spec of a candidate, and each candidate
 * has a verdict of its own. What each side is called in reports, its versions and the machine's are
 * kept, so that a report can be made again. Each request that went out is a row; `usd` is null where it is not known.
 */
export const migration010 = `
CREATE TABLE baseline_verdicts (
  run_id TEXT NOT NULL REFERENCES baseline_runs(id) ON DELETE CASCADE,
  candidate TEXT NOT NULL,
  verdict TEXT NOT NULL,
  PRIMARY KEY (run_id, candidate)
) STRICT;
INSERT INTO baseline_verdicts
  SELECT id, json_extract(plan, '$.candidate'), verdict FROM baseline_runs WHERE verdict IS NOT NULL;

CREATE TABLE baseline_answers_by_spec (
  run_id TEXT NOT NULL REFERENCES baseline_runs(id) ON DELETE CASCADE,
  side TEXT NOT NULL,
  task_id TEXT NOT NULL,
  repeat INTEGER NOT NULL,
  recording_key TEXT NOT NULL,
  answer TEXT NOT NULL,
  measured INTEGER NOT NULL CHECK (measured IN (0, 1)),
  answered_at TEXT NOT NULL,
  PRIMARY KEY (run_id, side, task_id, repeat)
) STRICT;
INSERT INTO baseline_answers_by_spec
  SELECT run_id, iif(side = 'candidate', json_extract(plan, '$.candidate'), side), task_id, repeat,
    recording_key, answer, measured, answered_at
  FROM baseline_answers JOIN baseline_runs ON id = run_id;
DROP TABLE baseline_answers;
ALTER TABLE baseline_answers_by_spec RENAME TO baseline_answers;
CREATE INDEX baseline_answers_by_recording ON baseline_answers (recording_key, answered_at) WHERE measured = 1;

CREATE TABLE baseline_results_by_spec (
  run_id TEXT NOT NULL REFERENCES baseline_runs(id) ON DELETE CASCADE,
  side TEXT NOT NULL,
  task_id TEXT NOT NULL,
  repeat INTEGER NOT NULL,
  result TEXT NOT NULL,
  PRIMARY KEY (run_id, side, task_id, repeat)
) STRICT;
INSERT INTO baseline_results_by_spec
  SELECT run_id, iif(side = 'candidate', json_extract(plan, '$.candidate'), side), task_id, repeat, result
  FROM baseline_results JOIN baseline_runs ON id = run_id;
DROP TABLE baseline_results;
ALTER TABLE baseline_results_by_spec RENAME TO baseline_results;

CREATE TABLE baseline_attempts (
  run_id TEXT NOT NULL REFERENCES baseline_runs(id) ON DELETE CASCADE,
  side TEXT NOT NULL,
  task_id TEXT NOT NULL,
  repeat INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  usd REAL
) STRICT;
CREATE INDEX baseline_attempts_by_task ON baseline_attempts (run_id, side, task_id, repeat);

CREATE TABLE baseline_sides (
  run_id TEXT NOT NULL REFERENCES baseline_runs(id) ON DELETE CASCADE,
  side TEXT NOT NULL,
  name TEXT NOT NULL,
  versions TEXT NOT NULL,
  PRIMARY KEY (run_id, side)
) STRICT;

ALTER TABLE baseline_runs DROP COLUMN verdict;
ALTER TABLE baseline_runs ADD COLUMN environment TEXT;
`;
