import { describe, expect, it } from 'vitest';
import { configSchema, type ConfigFile } from '../../src/config/schema.ts';
import { decide, emergencyTrigger, type DecideInput } from '../../src/routing/decide.ts';
import type {
  Assignment,
  Decision,
  RouteRequest,
  TargetState,
} from '../../src/routing/decision.ts';

const target = (spec: string, more: Partial<TargetState> = {}): TargetState => ({
  tier: 'direct',
  spec,
  maySeePrivate: true,
  breaker: 'closed',
  inFlight: 0,
  concurrency: 1,
  estimatedUsd: 0,
  ...more,
});
const cloud = (more: Partial<TargetState> = {}): TargetState =>
  target('claude:sonnet', { tier: 'cloud', maySeePrivate: false, estimatedUsd: 0.012, ...more });
const shown = (mean: number, lower: number): Pick<TargetState, 'quality'> => ({
  quality: { mean, lower, n: 12, source: 'baseline b1' },
});

interface Case {
  targets: readonly TargetState[];
  request?: Partial<RouteRequest>;
  complexity?: DecideInput['description']['complexity'];
  routing?: ConfigFile['routing'];
  neighbours?: DecideInput['neighbours'];
  rollout?: DecideInput['rollout'];
}

function input({
  targets,
  request,
  complexity = 'moderate',
  routing,
  neighbours,
  rollout,
}: Case): DecideInput {
  return {
    request: { messages: [{ role: 'user', content: 'x' }], ...request },
    description: {
      category: 'code-review',
      complexity,
      confidence: 0.8,
      promptTokens: 5,
      features: {},
    },
    targets,
    settings: configSchema.parse({ routing }).routing,
    neighbours: neighbours ?? [],
    ...(rollout === undefined ? {} : { rollout }),
  };
}

const decided = (given: Case): Decision => decide(input(given));
const order = ({ ladder }: Decision): string[] => ladder.map(({ spec }) => spec);

describe('walls', () => {
  const targets = [target('a:m'), target('far:m', { maySeePrivate: false }), cloud()];

  it('keep private prompts here, and say why of each they keep out', () => {
    const decision = decided({ targets, request: { private: true } });
    expect(order(decision)).toEqual(['a:m']);
    expect(decision.narrowedBy).toEqual(['privacy-wall']);
    expect(decision.rejected).toEqual([
      { tier: 'direct', target: 'far:m', why: 'its server may not see private prompts' },
      {
        tier: 'cloud',
        target: 'claude:sonnet',
        why: 'the prompt is private, and this is the cloud',
      },
    ]);
  });

  it('leave nobody rather than the cloud', () => {
    expect(() => decided({ targets: [cloud()], routing: { strategy: 'privacy-first' } })).toThrow(
      expect.objectContaining({
        code: 'route.nobody',
        problems: [{ path: 'cloud claude:sonnet', message: expect.stringContaining('private') }],
      }),
    );
  });

  it('hold against a pinned model', () => {
    expect(() => decided({ targets, request: { private: true, model: 'claude:sonnet' } })).toThrow(
      expect.objectContaining({ code: 'route.private' }),
    );
  });

  it('turn the cloud off', () => {
    const decision = decided({ targets, complexity: 'reasoning', routing: { cloud: 'off' } });
    expect(order(decision)).not.toContain('claude:sonnet');
  });

  it('keep the cloud for emergencies', () => {
    const routing = { cloud: 'emergency-only', strategy: 'quality-optimized' } as const;
    const { ladder, narrowedBy } = decided({ targets, routing });
    expect(narrowedBy).toEqual(['emergency-only']);
    expect(ladder.at(-1)).toMatchObject({
      spec: 'claude:sonnet',
      emergencyOnly: true,
      why: 'for emergencies only',
    });
  });
});

describe('a pinned model', () => {
  const targets = [target('a:m'), target('b:m'), target('b:n:latest'), cloud()];

  it('is asked wherever it is, and nobody else', () => {
    expect(order(decided({ targets, request: { model: 'm' } }))).toEqual(['a:m', 'b:m']);
    expect(order(decided({ targets, request: { model: 'b:m' } }))).toEqual(['b:m']);
    expect(order(decided({ targets, request: { model: 'n' } }))).toEqual(['b:n:latest']);
    expect(decided({ targets, request: { model: 'm' } })).toMatchObject({
      policy: 'pinned-model',
      confidence: 1,
    });
  });

  it('is refused by name where nobody has it', () => {
    expect(() => decided({ targets, request: { model: 'gpt-5' } })).toThrow(
      expect.objectContaining({
        code: 'route.unknown-model',
        hint: 'There are auto, a:m, b:m, b:n:latest, claude:sonnet.',
      }),
    );
  });
});

describe('complexity', () => {
  const targets = [
    target('s:small', { suits: 'simple' }),
    target('s:middle', { suits: 'moderate' }),
    target('s:large', { suits: 'reasoning' }),
  ];

  it.each([
    ['simple', ['s:small', 's:middle', 's:large']],
    ['moderate', ['s:middle', 's:large', 's:small']],
    ['complex', ['s:large', 's:middle', 's:small']],
    ['reasoning', ['s:large', 's:middle', 's:small']],
  ] as const)('%s goes to the model for it, then to abler ones', (complexity, expected) => {
    const decision = decided({ targets, complexity });
    expect(decision.policy).toBe('complexity');
    expect(order(decision)).toEqual(expected);
  });

  it('sends simple work to the bare server and the rest through the orchestra', () => {
    const both = [target('a:m', { tier: 'orchestrated' }), target('a:m')];
    expect(decided({ targets: both, complexity: 'simple' }).ladder[0].tier).toBe('direct');
    const { ladder, rejected } = decided({ targets: both, complexity: 'complex' });
    expect(ladder.map(({ tier }) => tier)).toEqual(['orchestrated']);
    expect(rejected).toEqual([
      { tier: 'direct', target: 'a:m', why: 'the same model as in the orchestrated tier' },
    ]);
  });
});

describe('strategies', () => {
  it('cost-optimized takes the cheapest, and an unpriced one last', () => {
    const targets = [
      cloud(),
      cloud({ spec: 'c:x', estimatedUsd: 0.001 }),
      target('c:y', { tier: 'cloud' }),
    ];
    const unpriced = { ...cloud({ spec: 'c:z' }) };
    delete unpriced.estimatedUsd;
    const decision = decided({
      targets: [unpriced, ...targets],
      routing: { strategy: 'cost-optimized' },
    });
    expect(decision.policy).toBe('strategy');
    expect(order(decision)).toEqual(['c:y', 'c:x', 'claude:sonnet', 'c:z']);
  });

  it('quality-optimized takes the best shown lower bound, and the cloud where nothing is shown', () => {
    const routing = { strategy: 'quality-optimized' } as const;
    const unshown = decided({ targets: [target('a:m'), cloud()], routing });
    expect(order(unshown)).toEqual(['claude:sonnet', 'a:m']);
    const measured = [target('a:m', shown(0.97, 0.93)), cloud(shown(0.95, 0.9))];
    expect(order(decided({ targets: measured, routing }))).toEqual(['a:m', 'claude:sonnet']);
  });

  it.each([
    ['moderate', {}, 'a:m'],
    ['complex', {}, 'claude:sonnet'],
    ['complex', shown(0.95, 0.92), 'a:m'],
    ['complex', shown(0.95, 0.8), 'claude:sonnet'],
    ['simple', shown(0.5, 0.4), 'claude:sonnet'],
    ['simple', shown(0.95, 0.8), 'a:m'],
  ] as const)(
    'adaptive gives %s work, a local model with %o, to %s',
    (complexity, quality, first) => {
      const decision = decided({ targets: [target('a:m', quality), cloud()], complexity });
      expect(decision.policy).toBe('strategy');
      expect(decision.ladder[0].spec).toBe(first);
    },
  );

  it('listen to neighbours that are near enough and enough of them', () => {
    const near = (quality: number, similarity = 0.95) => ({
      id: 'p',
      similarity,
      target: 'a:m',
      quality,
    });
    const targets = [target('a:m'), cloud()];
    const poor = [near(0.1), near(0.2), near(0.1)];
    expect(decided({ targets, neighbours: poor }).ladder[0].spec).toBe('claude:sonnet');
    expect(decided({ targets, neighbours: poor.slice(1) }).ladder[0].spec).toBe('a:m');
    const far = [near(0.1, 0.8), near(0.1, 0.8), near(0.1, 0.8)];
    expect(decided({ targets, neighbours: far }).ladder[0].spec).toBe('a:m');
  });
});

describe('a rollout', () => {
  const targets = [target('a:m'), target('b:m'), cloud()];
  const rollout: Assignment = {
    rollout: 'r1',
    stage: 2,
    unit: 7,
    bucket: 7,
    serve: 0,
    arm: 'reference',
    to: 'cloud',
    other: 'b:m',
    compare: true,
    only: false,
  };

  it('gives the request to its side and then to the other, unless a model is pinned', () => {
    const decision = decided({ targets, rollout });
    expect(decision.policy).toBe('rollout');
    expect(order(decision)).toEqual(['claude:sonnet', 'b:m', 'a:m']);
    expect(decision.rollout).toEqual(rollout);
    expect(decision.reasons.join(' ')).toContain('bucket 7 of 10,000');
    const pinned = decided({ targets, rollout, request: { model: 'a:m' } });
    expect(pinned.policy).toBe('pinned-model');
    expect(pinned.rollout).toBeUndefined();
  });

  it('stands back where nobody of its side may be asked', () => {
    const decision = decided({ targets, rollout: { ...rollout, to: 'orchestrated' } });
    expect(decision.policy).not.toBe('rollout');
    expect(decision.rollout).toBeUndefined();
  });

  it('never through a wall', () => {
    for (const only of [false, true]) {
      const decision = decided({
        targets,
        rollout: { ...rollout, only },
        request: { private: true },
      });
      expect(order(decision)).toEqual(['a:m', 'b:m']);
    }
  });

  it('leaves nobody but the reference after a complete rollback', () => {
    const decision = decided({ targets, rollout: { ...rollout, only: true } });
    expect(order(decision)).toEqual(['claude:sonnet']);
    expect(decision.narrowedBy).toEqual(['rolled-back']);
    expect(decision.rejected.map(({ why }) => why)).toEqual([
      'rollout r1 was rolled back completely',
      'rollout r1 was rolled back completely',
    ]);
    const lost = decided({ targets: [target('a:m')], rollout: { ...rollout, only: true } });
    expect(order(lost)).toEqual(['a:m']);
  });
});

describe('load', () => {
  const busy = target('a:large', { suits: 'complex', inFlight: 2, concurrency: 2 });
  const small = target('a:small', { suits: 'simple' });

  it('gives the work of a busy server to a smaller model', () => {
    const decision = decided({ targets: [busy, small], complexity: 'complex' });
    expect(decision.policy).toBe('load');
    expect(order(decision)).toEqual(['a:small', 'a:large']);
    expect(decision.reasons).toContain('a:large is busy (2 of 2 places taken).');
  });

  it('lets high priority wait, and low priority make way early', () => {
    const half = { ...busy, inFlight: 1 };
    const first = (
      inFlight: TargetState,
      priority: NonNullable<RouteRequest['priority']>,
    ): string | undefined =>
      order(
        decided({ targets: [inFlight, small], complexity: 'complex', request: { priority } }),
      )[0];
    expect(first(busy, 'high')).toBe('a:large');
    expect(first(half, 'medium')).toBe('a:large');
    expect(first(half, 'low')).toBe('a:small');
  });

  it('never gives it to a larger one, to the cloud, or to one that is shown to be poor', () => {
    const full = { ...small, inFlight: 1 };
    expect(decided({ targets: [full, busy], complexity: 'simple' }).policy).toBe('complexity');
    expect(order(decided({ targets: [full, cloud()], complexity: 'simple' }))[0]).toBe('a:small');
    const poor = { ...small, ...shown(0.3, 0.2) };
    expect(order(decided({ targets: [busy, poor], complexity: 'complex' }))[0]).toBe('a:large');
  });
});

describe('targets that are not well', () => {
  it('are asked last, with why', () => {
    const targets = [
      target('a:m', { breaker: 'open' }),
      target('b:m', { gone: 'gpu-gone' }),
      target('c:m'),
    ];
    const decision = decided({ targets });
    expect(order(decision)).toEqual(['c:m', 'a:m', 'b:m']);
    expect(decision.ladder.map(({ why }) => why)).toEqual([
      undefined,
      'left alone for a while: it has failed too often',
      'its GPU is gone',
    ]);
    expect(decision.reasons.at(-1)).toMatch(/^a:m would go first, but: left alone/);
  });

  it('are probed while half open', () => {
    expect(
      order(decided({ targets: [target('a:m', { breaker: 'half-open' }), target('b:m')] }))[0],
    ).toBe('a:m');
  });
});

it('estimates what the first one takes', () => {
  const targets = [target('a:m', { latency: { ttftMs: 200, msPerToken: 10 } })];
  expect(decided({ targets })).toMatchObject({ estimatedLatencyMs: 5200, estimatedUsd: 0 });
  expect(decided({ targets, request: { maxTokens: 20 } }).estimatedLatencyMs).toBe(400);
});

describe('an emergency', () => {
  const settings = configSchema.parse({}).routing;
  const slow = { latency: { ttftMs: 10_001, msPerToken: 1 } };

  it.each<[string, readonly TargetState[], number, string | undefined]>([
    ['nothing is wrong', [target('a:m')], 2, undefined],
    ['three local failures in a row', [target('a:m')], 3, 'local-failures'],
    ['the only GPU is gone', [target('a:m', { gone: 'gpu-gone' })], 0, 'gpu-gone'],
    ['a model is not loaded', [target('a:m', { gone: 'model-not-loaded' })], 0, 'model-not-loaded'],
    ['another one is there', [target('a:m', { gone: 'gpu-gone' }), target('b:m')], 0, undefined],
    ['all are slow', [target('a:m', slow)], 0, 'latency'],
    ['one is fast', [target('a:m', slow), target('b:m')], 0, undefined],
    [
      'ten seconds are not too slow',
      [target('a:m', { latency: { ttftMs: 10_000, msPerToken: 1 } })],
      0,
      undefined,
    ],
    ['all are poor', [target('a:m', shown(0.89, 0.8))], 0, 'quality'],
    ['one is unknown', [target('a:m', shown(0.89, 0.8)), target('b:m')], 0, undefined],
    ['0.90 is good enough', [target('a:m', shown(0.9, 0.8))], 0, undefined],
    ['there is no local model', [cloud()], 0, 'model-not-loaded'],
  ])('%s', (_, targets, failures, expected) => {
    expect(emergencyTrigger([...targets, cloud()], failures, settings)).toBe(expected);
  });
});
