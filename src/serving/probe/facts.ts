/** Which program answers at an address. */
export type ServerKind =
  | 'ollama'
  | 'llama-server'
  | 'vllm'
  | 'openai-compatible'
  | 'anthropic'
  | 'embedded';

export interface ServedModel {
  id: string;
  /** Most tokens of prompt and answer together; null where the server does not say. */
  contextTokens: number | null;
  /** Whether the model is in memory; null where the server does not say. */
  loaded: boolean | null;
  /** For a LoRA adapter, the model that it adapts. */
  adapts: string | null;
}

export interface ServerFacts {
  kind: ServerKind;
  version: string | null;
  models: readonly ServedModel[];
  /** Names of LoRA adapters; null where the server has no such list. */
  adapters: readonly string[] | null;
  /** Requests that it works on at once; null where it does not say. */
  slots: number | null;
  /** Whether a GPU holds the model; null where the server does not say. */
  gpu: boolean | null;
}

export type Probe =
  | { state: 'reachable'; facts: ServerFacts }
  /** `loading` will pass by itself. */
  | { state: 'unreachable' | 'loading' | 'auth' | 'unknown'; detail: string; hint: string };
