import { z } from 'zod';
import {
  BY_BETTING,
  BY_PEEKING,
  HEALTHY,
  SIMULATED_PLAN,
  simulateRollout,
} from '../../rollout/simulated.ts';

/** Simulates some rollouts in a process of its own, and sends how they ended. */
const { rule, ratio, from, to, every, most } = z
  .object({
    rule: z.enum(['betting', 'peeking']),
    ratio: z.number(),
    from: z.int(),
    to: z.int(),
    every: z.int(),
    most: z.int(),
  })
  .parse(JSON.parse(process.argv[2] ?? ''));
const outcomes = Array.from({ length: to - from + 1 }, (_, index) =>
  simulateRollout({
    plan: SIMULATED_PLAN,
    world: { ratio, ...HEALTHY },
    rule: rule === 'betting' ? BY_BETTING : BY_PEEKING,
    seed: from + index,
    every,
    most,
  }),
);
process.send?.(outcomes, () => process.disconnect());
