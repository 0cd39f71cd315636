/** One thing looked at, for people and machines. It never holds a secret's value. */
export interface Finding {
  /** Stable and dotted: `node`, `native.better-sqlite3`, `server.ollama`. */
  id: string;
  title: string;
  /** `warning`: works, but not well or not yet. `missing`: not there. */
  state: 'ok' | 'warning' | 'missing';
  /** True where `baseline` cannot run without it. */
  required: boolean;
  detail: string;
  /** What to do about it. */
  hint?: string;
}
