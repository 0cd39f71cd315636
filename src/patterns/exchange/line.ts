import { z } from 'zod';
import type { Problem } from '../../core/errors.ts';
import { TASK_CATEGORIES, type TaskCategory } from '../../core/task.ts';
import { beliefFrom, confidenceOf, nameOf, VERIFIERS, type Pattern } from '../pattern.ts';
import { provenanceSchema, scopeSchema } from '../rows.ts';

const count = z.int().min(0);
const time = z.iso.datetime({ offset: true, error: 'expected a time as in 2026-11-24T09:30:00Z' });
const words = z.string().refine((text) => text.trim() !== '', 'expected some text');

/** A pattern as it goes from store to store; only prompt and answer are needed. */
const lineSchema = z.strictObject({
  id: z
    .string()
    .regex(/^[\w.:-]{1,100}$/, 'expected up to 100 letters, digits, dots, colons, _ and -')
    .optional(),
  name: words.optional(),
  prompt: words,
  answer: words,
  category: z.enum(TASK_CATEGORIES).optional(),
  scope: scopeSchema.optional(),
  confidence: z.number().min(0).max(1).optional(),
  belief: z.strictObject({ alpha: z.number().positive(), beta: z.number().positive() }).optional(),
  uses: count.optional(),
  outcomes: z.strictObject({ good: count, bad: count }).optional(),
  verified: z.enum(VERIFIERS).optional(),
  tier: words.optional(),
  provenance: provenanceSchema.optional(),
  createdAt: time.optional(),
  updatedAt: time.optional(),
  expiresAt: time.optional(),
  quarantine: words.optional(),
  embedding: z.strictObject({ embedder: words, vector: z.array(z.number()).min(1) }).optional(),
});
export type PatternLine = z.output<typeof lineSchema>;

export type ReadLine =
  | { line: PatternLine; problems?: undefined }
  | { line?: undefined; problems: Problem[] };

/**
 * A pattern from outside, checked.
 * @param place where it stands, as in `patterns.jsonl:12`
 */
export function readLine(value: unknown, place: string): ReadLine {
  const parsed = lineSchema.safeParse(value);
  if (parsed.success) return { line: parsed.data };
  return {
    problems: parsed.error.issues.map(({ path, message }) => ({
      path: path.length === 0 ? place : `${place} ${path.join('.')}`,
      message,
    })),
  };
}

export interface LineDefaults {
  id: string;
  category: TaskCategory;
  origin: string;
  now: number;
}

/** What a line leaves out is filled in; a confidence without its counts is worth eight observations. */
export function patternOf(line: PatternLine, { id, category, origin, now }: LineDefaults): Pattern {
  const { verified = 'no', uses = 0, tier, quarantine, expiresAt } = line;
  const usual = verified === 'no' ? 0.5 : 0.9;
  return {
    id: line.id ?? id,
    name: line.name ?? nameOf(line.prompt),
    prompt: line.prompt,
    answer: line.answer,
    category: line.category ?? category,
    scope: line.scope ?? {},
    belief: line.belief ?? beliefFrom(line.confidence ?? usual, uses, verified),
    uses,
    outcomes: line.outcomes ?? { good: 0, bad: 0 },
    verified,
    ...(tier === undefined ? {} : { tier }),
    provenance: line.provenance ?? { source: 'import', origin },
    createdAt: timeOf(line.createdAt, now),
    updatedAt: timeOf(line.updatedAt, now),
    ...(expiresAt === undefined ? {} : { expiresAt: Date.parse(expiresAt) }),
    ...(quarantine === undefined ? {} : { quarantine }),
  };
}

/** The line that gives this very pattern when it is read again. */
export function lineOf(pattern: Pattern): PatternLine {
  const { createdAt, updatedAt, expiresAt, ...rest } = pattern;
  return {
    ...rest,
    confidence: confidenceOf(pattern.belief),
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
    ...(expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt).toISOString() }),
  };
}

function timeOf(text: string | undefined, otherwise: number): number {
  return text === undefined ? otherwise : Date.parse(text);
}
