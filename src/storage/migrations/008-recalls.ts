/** What was looked up outlives the pattern: rates count it still, and no other answer learns from it. */
export const migration008 = `
CREATE TABLE pattern_recalls_kept (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  request_id TEXT,
  mode TEXT NOT NULL CHECK (mode IN ('shadow', 'on')),
  kind TEXT NOT NULL CHECK (kind IN ('exact', 'near', 'ask', 'guarded', 'nothing')),
  -- The pattern, while it is there and has the answer that was looked up.
  row INTEGER REFERENCES patterns (row) ON DELETE SET NULL,
  similarity REAL,
  -- What the prompts differ in, where that spoke against the answer.
  difference TEXT,
  correct INTEGER
) STRICT;
INSERT INTO pattern_recalls_kept SELECT * FROM pattern_recalls;
DROP TABLE pattern_recalls;
ALTER TABLE pattern_recalls_kept RENAME TO pattern_recalls;
CREATE INDEX pattern_recalls_by_row ON pattern_recalls (row);
CREATE INDEX pattern_recalls_by_request ON pattern_recalls (request_id);
CREATE INDEX pattern_recalls_by_time ON pattern_recalls (at);

CREATE TRIGGER patterns_answer_changed AFTER UPDATE OF answer ON patterns
WHEN old.answer <> new.answer
BEGIN
  UPDATE pattern_recalls SET row = NULL WHERE row = old.row;
END;
`;
