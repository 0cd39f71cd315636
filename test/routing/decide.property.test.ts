import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { configSchema, STRATEGIES } from '../../src/config/schema.ts';
import { AppError } from '../../src/core/errors.ts';
import { COMPLEXITIES, PRIORITIES } from '../../src/core/task.ts';
import { decide, type DecideInput } from '../../src/routing/decide.ts';
import { TIERS, type Decision, type TargetState } from '../../src/routing/decision.ts';

const share = fc.double({ min: 0, max: 1, noNaN: true });
const quality = fc
  .record({ mean: share, width: share, n: fc.integer({ min: 1, max: 100 }) })
  .map(({ mean, width, n }) => ({ mean, lower: Math.max(0, mean - width), n, source: 'baseline' }));

const target: fc.Arbitrary<TargetState> = fc.record(
  {
    tier: fc.constantFrom(...TIERS),
    spec: fc.constantFrom('a:one', 'a:two', 'b:one', 'b:three:latest', 'c:four'),
    maySeePrivate: fc.boolean(),
    suits: fc.constantFrom(...COMPLEXITIES),
    breaker: fc.constantFrom('closed' as const, 'open' as const, 'half-open' as const),
    inFlight: fc.nat(5),
    concurrency: fc.integer({ min: 1, max: 4 }),
    gone: fc.constantFrom('gpu-gone' as const, 'model-not-loaded' as const),
    latency: fc.record({ ttftMs: fc.nat(20_000), msPerToken: fc.nat(200) }),
    estimatedUsd: fc.constantFrom(0, 0.01, 0.02),
    quality,
  },
  { requiredKeys: ['tier', 'spec', 'maySeePrivate', 'breaker', 'inFlight', 'concurrency'] },
);

const input: fc.Arbitrary<DecideInput> = fc
  .record({
    request: fc.record(
      {
        messages: fc.constant([{ role: 'user' as const, content: 'x' }]),
        private: fc.boolean(),
        model: fc.constantFrom('auto', 'a:one', 'one', 'three', 'unknown'),
        priority: fc.constantFrom(...PRIORITIES),
      },
      { requiredKeys: ['messages'] },
    ),
    complexity: fc.constantFrom(...COMPLEXITIES),
    targets: fc.array(target, { maxLength: 8 }),
    strategy: fc.constantFrom(...STRATEGIES),
    cloud: fc.constantFrom('ordinary' as const, 'emergency-only' as const, 'off' as const),
    neighbours: fc.array(
      fc.record({
        id: fc.string(),
        similarity: share,
        target: fc.constantFrom('a:one', 'b:one'),
        quality: share,
      }),
    ),
    rollout: fc.option(
      fc.record({
        rollout: fc.constant('r'),
        stage: fc.constant(2),
        unit: fc.nat(),
        bucket: fc.nat({ max: 9999 }),
        serve: fc.nat({ max: 100 }),
        arm: fc.constantFrom('candidate' as const, 'reference' as const),
        to: fc.constantFrom(...TIERS, 'a:one'),
        other: fc.constantFrom(...TIERS, 'b:one'),
        compare: fc.boolean(),
        only: fc.boolean(),
      }),
      { nil: undefined },
    ),
  })
  .map(({ request, complexity, targets, strategy, cloud, neighbours, rollout }) => ({
    request,
    description: {
      category: 'test-generation',
      complexity,
      confidence: 0.9,
      promptTokens: 10,
      features: {},
    },
    targets,
    settings: configSchema.parse({ routing: { strategy, cloud } }).routing,
    neighbours,
    ...(rollout === undefined ? {} : { rollout }),
  }));

/** The decision, or nothing where nobody is left. */
function decided(from: DecideInput): Decision | undefined {
  try {
    return decide(from);
  } catch (error) {
    if (error instanceof AppError && error.code.startsWith('route.')) return undefined;
    throw error;
  }
}

const holds = (check: (from: DecideInput, decision: Decision) => void): void => {
  fc.assert(
    fc.property(input, (from) => {
      const decision = decided(from);
      if (decision !== undefined) check(from, decision);
    }),
    { numRuns: 2000 },
  );
};

describe('a decision, whatever the request and the state of the targets', () => {
  test('keeps private prompts from the cloud and from servers that may not see them', () => {
    holds(({ request, settings }, { ladder }) => {
      if (request.private !== true && settings.strategy !== 'privacy-first') return;
      expect(ladder.filter((it) => it.tier === 'cloud' || !it.maySeePrivate)).toEqual([]);
    });
  });

  test('has no cloud where it is off, and marks it where it is for emergencies only', () => {
    holds(({ settings: { cloud } }, { ladder }) => {
      const clouds = ladder.filter(({ tier }) => tier === 'cloud');
      if (cloud === 'off') expect(clouds).toEqual([]);
      expect(clouds.every((it) => (it.emergencyOnly === true) === (cloud !== 'ordinary'))).toBe(
        true,
      );
      expect(ladder.some((it) => it.tier !== 'cloud' && it.emergencyOnly === true)).toBe(false);
    });
  });

  test('leaves the cloud for emergencies to the end', () => {
    holds(({ settings: { cloud } }, { ladder }) => {
      if (cloud !== 'emergency-only') return;
      const tiers = ladder.map(({ tier }) => tier === 'cloud');
      expect(tiers).toEqual(tiers.toSorted((a, b) => Number(a) - Number(b)));
    });
  });

  test('accounts for every target: each model once in the ladder, the rest with why', () => {
    holds(({ targets }, { ladder, rejected }) => {
      expect(ladder.length + rejected.length).toBe(targets.length);
      expect(new Set(ladder.map(({ spec }) => spec)).size).toBe(ladder.length);
      expect(rejected.every(({ why }) => why.length > 0)).toBe(true);
      expect(ladder.map(({ why }) => why !== undefined)).toEqual(
        ladder.map((_, index) => index > 0),
      );
    });
  });

  test('asks nobody but the model that is pinned', () => {
    holds(({ request: { model } }, { ladder, policy }) => {
      if (model === undefined || model === 'auto') return;
      expect(policy).toBe('pinned-model');
      for (const { spec } of ladder) {
        expect([model, `${model}:latest`]).toContain(
          model.includes(':') ? spec : spec.replace(/^\w+:/, ''),
        );
      }
    });
  });

  test('asks those that are well before those that are not', () => {
    holds(({ targets, settings }, { ladder }) => {
      const ill = ladder
        .filter((it) => settings.cloud !== 'emergency-only' || it.tier !== 'cloud')
        .map(({ tier, spec }) =>
          targets
            .filter((it) => it.tier === tier && it.spec === spec)
            .every((it) => it.breaker === 'open' || it.gone !== undefined),
        );
      // A model that two tiers list with other states is judged by one of them.
      const twins = new Set(targets.map(({ spec }) => spec)).size < targets.length;
      if (!twins) expect(ill).toEqual(ill.toSorted((a, b) => Number(a) - Number(b)));
    });
  });

  test('is the same for the same input, and changes none of it', () => {
    holds((from, decision) => {
      const before = structuredClone(from);
      expect(decide(from)).toEqual(decision);
      expect(from).toEqual(before);
    });
  });

  test('is as sure as a share', () => {
    holds((_, { confidence }) => {
      expect(confidence).toBeGreaterThanOrEqual(0);
      expect(confidence).toBeLessThanOrEqual(1);
    });
  });
});
