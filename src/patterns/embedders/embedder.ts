/** Turns texts into vectors in which near means alike. */
export interface Embedder {
  /** `<server>:<model>`; vectors of different ids cannot be compared. */
  readonly id: string;
  /** Numbers in each vector. May ask the model. */
  dimension(): Promise<number>;
  /**
   * One vector of length 1 for each text. Long texts are embedded by their beginning and their end.
   * @throws ProviderFailure
   */
  embed(texts: readonly string[], signal?: AbortSignal): Promise<Float32Array[]>;
  close(): Promise<void>;
}
