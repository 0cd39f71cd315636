import { z } from 'zod';
import { COMPLEXITIES, TASK_CATEGORIES } from '../../../core/task.ts';
import { TIERS, type Decision } from '../../../routing/decision.ts';

const rung = z.object({
  tier: z.enum(TIERS),
  spec: z.string(),
  maySeePrivate: z.boolean(),
  suits: z.enum(COMPLEXITIES).exactOptional(),
  emergencyOnly: z.boolean().exactOptional(),
});

const decisionSchema: z.ZodType<Decision> = z.object({
  policy: z.string(),
  narrowedBy: z.array(z.string()),
  strategy: z.string(),
  description: z.object({
    category: z.enum(TASK_CATEGORIES),
    complexity: z.enum(COMPLEXITIES),
    confidence: z.number(),
    promptTokens: z.number(),
    features: z.record(z.string(), z.number()),
  }),
  ladder: z.tuple([rung], rung),
  confidence: z.number(),
  reasons: z.array(z.string()),
  rejected: z.array(z.object({ tier: z.enum(TIERS), target: z.string(), why: z.string() })),
  neighbours: z.array(
    z.object({
      id: z.string(),
      similarity: z.number(),
      target: z.string(),
      quality: z.number(),
    }),
  ),
  estimatedLatencyMs: z.number().exactOptional(),
  estimatedUsd: z.number().exactOptional(),
});

/** The decision of a recorded request; `undefined` where another version wrote it in another shape. */
export function readDecision(stored: unknown): Decision | undefined {
  return decisionSchema.safeParse(stored).data;
}
