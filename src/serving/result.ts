import type { Change } from './compare.ts';
import type { Diagnosis } from './diagnosis.ts';
import type { StepFigures } from './figures.ts';
import type { ServedModel, ServerKind } from './probe/facts.ts';
import type { Slo } from './slo.ts';
import type { SoakFigures } from './soak.ts';
import type { ServerReadings } from './watch.ts';

/** One thing that was looked at. */
export interface Check {
  id: 'reachable' | 'model' | 'load-time' | 'answer' | 'context' | 'adapters' | 'embeddings';
  /** `failed` makes the tier not ready; `absent` says that there is nothing to tell. */
  state: 'ok' | 'warning' | 'failed' | 'absent';
  detail: string;
  hint?: string;
}

export interface MeasuredStep extends StepFigures {
  server: ServerReadings;
}

export type Load =
  | { state: 'skipped'; reason: string }
  | {
      state: 'measured';
      steps: MeasuredStep[];
      soak: SoakFigures | null;
      diagnosis: Diagnosis;
      /** Against the check before, where it was asked for and there is one. */
      change: Change | null;
    };

export interface TargetReport {
  tier: 'direct' | 'cloud' | 'url' | 'found';
  name: string;
  url: string | null;
  kind: ServerKind | null;
  version: string | null;
  model: string | null;
  ready: boolean;
  checks: Check[];
  /** Models that the server has. */
  models: readonly ServedModel[];
  adapters: readonly string[] | null;
  /** Most tokens of prompt and answer together, and what the load needs. */
  contextTokens: { has: number | null; needs: number | null };
  coldLoadMs: number | null;
  embeddingDimensions: number | null;
  load: Load;
}

export type VerdictState = 'ready' | 'not-ready' | 'slo-missed' | 'too-few';

export interface ServeReport {
  schema: 'aqe-llm/serve-check@1';
  check: {
    id: string;
    startedAt: string;
    version: string;
    cores: number;
    maxTokens: number;
    slo: Slo | null;
  };
  verdict: { state: VerdictState; reasons: string[] };
  targets: TargetReport[];
}
