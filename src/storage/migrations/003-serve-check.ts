/** What serve-check found, one row per tier and check. */
export const migration003 = `
CREATE TABLE serve_checks (
  id TEXT NOT NULL,
  target TEXT NOT NULL,
  started_at TEXT NOT NULL,
  result TEXT NOT NULL,
  PRIMARY KEY (id, target)
) STRICT;
CREATE INDEX serve_checks_by_target ON serve_checks (target, started_at);
`;
