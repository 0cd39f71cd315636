/** Where a model file may come from, in the order in which they are tried. */
export type ModelSource =
  | 'file'
  | 'cache'
  | 'ollama'
  | 'hugging-face-cache'
  | 'hugging-face'
  | 'python-packages';

/** What happens while a model is found or fetched. Exactly one `finished` comes, last; a failure is thrown instead. */
export type ProvisionEvent =
  | { type: 'started'; model: string; totalBytes: number }
  /** Another process fetches the same model. Comes again and again until it is done. */
  | { type: 'waiting'; path: string }
  /** This source has nothing for us; the next one is tried. */
  | { type: 'source-failed'; source: ModelSource; reason: string }
  /** The connection broke and is tried again after `delayMs`. */
  | { type: 'retrying'; source: ModelSource; reason: string; delayMs: number }
  /** `doneBytes` starts above 0 when an earlier download is resumed, and falls when it must begin again. */
  | { type: 'progress'; source: ModelSource; doneBytes: number; totalBytes: number }
  | { type: 'verifying'; source: ModelSource; path: string }
  | { type: 'finished'; source: ModelSource; path: string };
