/** Figures that the state folder holds. */
export type MeasureId =
  | 'local-share'
  | 'cloud-share'
  | 'quality'
  | 'savings'
  | 'latency-p50'
  | 'latency-p95'
  | 'availability'
  | 'throughput'
  | 'cache-hits'
  | 'examples'
  | 'monthly-usd'
  | 'usd-per-request'
  | 'retention-days'
  | 'shadow-held'
  | 'half-held'
  | 'primary-days'
  | 'rollbacks';

export const PHASES = ['0', '0.5', '1', '2', '3', '4'] as const;
export type Phase = (typeof PHASES)[number];

/** One thing that the plan asks for. */
export interface Criterion {
  id: string;
  phase: Phase;
  /** Decides on the next phase, or is part of the phase's success alone. */
  kind: 'gate' | 'success';
  /** In the plan's words. */
  text: string;
  /** What is held against what. Without it somebody has to say so, with a source. */
  test?: { measure: MeasureId; is: 'at least' | 'below'; target: number };
  /** Where the figure comes from, or how to get it. */
  how: string;
}

type Test = NonNullable<Criterion['test']>;

const least = (measure: MeasureId, target: number): Test => ({ measure, is: 'at least', target });
const below = (measure: MeasureId, target: number): Test => ({ measure, is: 'below', target });

const ROLLOUT_OR_BASELINE = 'a rollout’s comparisons, or a baseline against the cloud';
const LEDGER = 'requests of the last 30 days';
const SAID = 'somebody says so: --evidence';
const bench = (name: string): string => `npm run bench -- ${name}, then --evidence`;

function of(
  phase: Phase,
  kind: Criterion['kind'],
  ...rows: readonly (readonly [id: string, text: string, how: string, test?: Test])[]
): Criterion[] {
  return rows.map(([id, text, how, test]) => ({
    id: `${phase}/${id}`,
    phase,
    kind,
    text,
    how,
    ...(test === undefined ? {} : { test }),
  }));
}

/** The plan's GO/NO-GO criteria and the success criteria of its phases, in its order. */
export const CRITERIA: readonly Criterion[] = [
  ...of(
    '0',
    'gate',
    ['quick-wins', 'Quick wins achieve 50 %+ improvement targets', bench('session batch')],
    ['search', 'Pattern store is 100x+ faster', bench('patterns')],
    ['regressions', 'No regressions in existing functionality', SAID],
  ),
  ...of(
    '0',
    'success',
    ['sessions', 'Sessions reduce multi-turn latency by 40 %+', bench('session')],
    ['batch', 'Batch queries achieve 3x+ throughput', bench('batch')],
    ['federated', 'Federated learning foundation tested with 2+ agents', SAID],
    ['curation', 'Manual pattern curation workflow documented', 'docs/curate.md, then --evidence'],
  ),
  ...of('0.5', 'gate', [
    'cache',
    'Cache hit rate > 50 %',
    'look-ups of the last 30 days',
    least('cache-hits', 0.5),
  ]),
  ...of(
    '0.5',
    'success',
    ['search', 'Search latency < 1 ms at p95', bench('patterns')],
    ['retention', 'Pattern retention > 98 %', SAID],
    ['learning', 'Quality improvement > 10 %', SAID],
    ['adapter', 'LoRA adapter size < 300 MB', SAID],
  ),
  ...of(
    '1',
    'gate',
    ['quality', 'Quality ≥ 90 % vs Claude', ROLLOUT_OR_BASELINE, least('quality', 0.9)],
    ['savings', 'Cost savings ≥ 50 %', LEDGER, least('savings', 0.5)],
    ['bugs', 'No critical bugs', SAID],
  ),
  ...of(
    '1',
    'success',
    ['throughput', 'Ollama serving at 60 req/sec', 'aqe-llm serve-check', least('throughput', 60)],
    ['local', '40 %+ requests routed to local', LEDGER, least('local-share', 0.4)],
    ['p50', 'Latency P50 < 2 s', LEDGER, below('latency-p50', 2000)],
    ['p95', 'Latency P95 < 5 s', LEDGER, below('latency-p95', 5000)],
    [
      'breaker',
      'Circuit breaker prevents cascading failures',
      'npm run verify -- faults, then --evidence',
    ],
  ),
  ...of(
    '2',
    'gate',
    ['local', '80 %+ local routing stable', LEDGER, least('local-share', 0.8)],
    ['quality', 'Quality ≥ 95 % maintained', ROLLOUT_OR_BASELINE, least('quality', 0.95)],
    ['savings', 'Cost reduction ≥ 60 %', LEDGER, least('savings', 0.6)],
  ),
  ...of(
    '2',
    'success',
    [
      'shadow',
      '20 % rollout completes without issues',
      'the log of the rollout',
      least('shadow-held', 1),
    ],
    [
      'half',
      '50 % rollout maintains ≥ 95 % quality',
      'the log of the rollout',
      least('half-held', 0.95),
    ],
    [
      'primary',
      '80 % rollout stable for 7 days',
      'the log of the rollout',
      least('primary-days', 7),
    ],
    ['reports', 'No user-reported quality degradation', SAID],
    [
      'rollback',
      'Automatic rollback tested and functional',
      'the log of the rollout',
      least('rollbacks', 1),
    ],
    ['throughput', 'vLLM serving at 120+ req/sec', 'aqe-llm serve-check', least('throughput', 120)],
    ['uptime', 'Uptime 99.5 %+', `${LEDGER}: those answered`, least('availability', 0.995)],
    ['p50', 'Latency P50 < 2 s', LEDGER, below('latency-p50', 2000)],
    ['p95', 'Latency P95 < 5 s', LEDGER, below('latency-p95', 5000)],
    ['request', 'Cost per request < $0.001', LEDGER, below('usd-per-request', 0.001)],
    [
      'history',
      'Historical data retained for 90 days',
      'the configuration',
      least('retention-days', 90),
    ],
    ['refinement', 'Refinement improves quality by 5-10 % for complex tasks', SAID],
  ),
  ...of(
    '3',
    'gate',
    ['quality', 'Fine-tuned model ≥ 95 % quality', ROLLOUT_OR_BASELINE, least('quality', 0.95)],
    ['adapters', 'LoRA adapters functional', 'aqe-llm serve-check, then --evidence'],
    ['team', 'Team confident in deployment', SAID],
  ),
  ...of(
    '3',
    'success',
    [
      'examples',
      '10,000+ labeled QE examples curated',
      'verified patterns',
      least('examples', 10_000),
    ],
    ['domain', 'Adapters improve domain-specific quality by 10 %+', SAID],
    ['memory', 'LoRA adapters reduce memory usage by 80 %+', SAID],
    ['pipeline', 'Deployment pipeline for continuous fine-tuning', SAID],
  ),
  ...of(
    '4',
    'gate',
    ['local', '99 %+ requests served by local inference', LEDGER, least('local-share', 0.99)],
    ['cloud', 'Claude usage < 1 % (emergency only)', LEDGER, below('cloud-share', 0.01)],
    ['quality', 'Quality ≥ 95 % vs baseline', ROLLOUT_OR_BASELINE, least('quality', 0.95)],
    ['p50', 'Latency P50 < 2 s', LEDGER, below('latency-p50', 2000)],
    ['p95', 'Latency P95 < 5 s', LEDGER, below('latency-p95', 5000)],
    ['cost', 'Monthly cost < $500', LEDGER, below('monthly-usd', 500)],
    ['uptime', 'Uptime 99.9 %+', `${LEDGER}: those answered`, least('availability', 0.999)],
  ),
  ...of(
    '4',
    'success',
    ['learning', 'Learning improves quality by 5-10 % over 30 days', SAID],
    ['federated', 'Federated learning reduces per-agent fine-tuning cost', SAID],
    ['routing', 'Autonomous routing outperforms manual rules', SAID],
    ['docs', 'Complete documentation and training', SAID],
    ['team', 'Operations team ready', SAID],
  ),
];

/** What the plan does where a gate is not passed. */
export const OTHERWISE: Readonly<Record<Phase, string>> = {
  '0': 'EXTEND phase 0 by a week',
  '0.5': 'EXTEND phase 0.5 below a hit rate of 30 %, or go on without the cache',
  '1': 'PIVOT if quality is below 85 %',
  '2': 'PAUSE to optimise if quality is below 90 %',
  '3': 'EXTEND phase 3 if quality is below 90 %',
  '4': 'not independent yet',
};
