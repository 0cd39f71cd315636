import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { COMPLEXITIES, TASK_CATEGORIES } from '../../src/core/task.ts';
import type { RouteRequest } from '../../src/routing/decision.ts';

const labelledSchema = z.strictObject({
  id: z.string(),
  /** Prompts about the same subject; they are always on the same side of the split. */
  group: z.string(),
  category: z.enum(TASK_CATEGORIES),
  complexity: z.enum(COMPLEXITIES),
  prompt: z.string().min(1),
});
export type Labelled = z.infer<typeof labelledSchema>;

/** Of the groups, those that tuning and training may look at. */
const DEVELOPMENT_SHARE = 0.65;

export interface Split {
  development: readonly Labelled[];
  /** Looked at by nothing but the measurement. */
  heldOut: readonly Labelled[];
}

/** The labelled prompts of fixtures/prompts (docs/describing.md says how they were labelled). */
export function readLabelled(): Labelled[] {
  const file = new URL('../../fixtures/prompts/labelled.jsonl', import.meta.url);
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  return lines.map((line) => labelledSchema.parse(JSON.parse(line)));
}

export function split(prompts: readonly Labelled[]): Split {
  const isDevelopment = ({ group }: Labelled): boolean => share(group, 'split') < DEVELOPMENT_SHARE;
  return {
    development: prompts.filter(isDevelopment),
    heldOut: prompts.filter((prompt) => !isDevelopment(prompt)),
  };
}

/** A number in [0, 1) that depends on the group and the purpose alone. */
export function share(group: string, purpose: string): number {
  return createHash('sha256').update(`${purpose}:${group}`).digest().readUInt32BE(0) / 2 ** 32;
}

export function requestOf({ prompt }: Labelled): RouteRequest {
  return { messages: [{ role: 'user', content: prompt }] };
}
