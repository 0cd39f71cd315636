import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import { TASK_CATEGORIES } from '../core/task.ts';
import { promptHash, scopeKey, SCOPE_KEYS, VERIFIERS, type Pattern } from './pattern.ts';
import type { PatternFilter } from './store.ts';

const text = z.string();
export const scopeSchema = z.strictObject({
  tenant: text.min(1).optional(),
  repository: text.min(1).optional(),
  commit: text.min(1).optional(),
  model: text.min(1).optional(),
});
export const provenanceSchema = z.object({
  source: z.enum(['import', 'route', 'review', 'api', 'agentdb']),
  origin: text.optional(),
  target: text.optional(),
  requestId: text.optional(),
  agent: text.optional(),
});

/** A row of `STORED`. */
const rowSchema = z.tuple([
  z.int(),
  z.int(),
  text,
  text,
  z.enum(TASK_CATEGORIES),
  text,
  z.number(),
  z.number(),
  z.int(),
  z.int(),
  z.int(),
  z.enum(VERIFIERS),
  text.nullable(),
  text,
  z.int(),
  z.int(),
  z.int().nullable(),
  text.nullable(),
  text,
  text,
]);

/** A pattern, its row, and the label of its vector. */
export interface StoredPattern {
  row: number;
  label: number;
  pattern: Pattern;
}

/** Columns of a pattern, in the order of `valuesOf`. */
export const COLUMNS = [
  'id',
  'name',
  'category',
  'scope',
  'alpha',
  'beta',
  'uses',
  'good',
  'bad',
  'verified',
  'tier',
  'provenance',
  'created_at',
  'updated_at',
  'expires_at',
  'quarantine',
  'prompt_sha256',
  'prompt',
  'answer',
] as const;

/** Columns of a pattern as it is read: an array of values, which is twice as quick as an object. */
export const STORED = ['row', 'label', ...COLUMNS.filter((name) => name !== 'prompt_sha256')].join(
  ', ',
);

/**
 * @param value the values of `STORED`
 * @throws AppError `storage.unusable` for a row that this version does not understand
 */
export function storedPattern(value: unknown): StoredPattern {
  try {
    const [row, label, id, name, category, scope, alpha, beta, uses, good, bad, verified, ...more] =
      rowSchema.parse(value);
    const [tier, provenance, createdAt, updatedAt, expiresAt, quarantine, prompt, answer] = more;
    const pattern: Pattern = {
      id,
      name,
      prompt,
      answer,
      category,
      scope: scopeSchema.parse(JSON.parse(scope)),
      belief: { alpha, beta },
      uses,
      outcomes: { good, bad },
      verified,
      ...(tier === null ? {} : { tier }),
      provenance: provenanceSchema.parse(JSON.parse(provenance)),
      createdAt,
      updatedAt,
      ...(expiresAt === null ? {} : { expiresAt }),
      ...(quarantine === null ? {} : { quarantine }),
    };
    return { row, label, pattern };
  } catch (error) {
    throw new AppError('storage.unusable', 'A stored pattern is damaged.', {
      hint: 'Restore the state folder from a backup, or export what can be read with `aqe-llm curate export`.',
      cause: error,
    });
  }
}

export function valuesOf(pattern: Pattern): (string | number | null | Buffer)[] {
  return [
    pattern.id,
    pattern.name,
    pattern.category,
    scopeKey(pattern.scope),
    pattern.belief.alpha,
    pattern.belief.beta,
    pattern.uses,
    pattern.outcomes.good,
    pattern.outcomes.bad,
    pattern.verified,
    pattern.tier ?? null,
    JSON.stringify(pattern.provenance),
    pattern.createdAt,
    pattern.updatedAt,
    pattern.expiresAt ?? null,
    pattern.quarantine ?? null,
    promptHash(pattern.prompt),
    pattern.prompt,
    pattern.answer,
  ];
}

type Value = string | number | null;

/** A filter as a condition of SQL, always true for an empty one. */
export function conditionOf(filter: PatternFilter): { sql: string; values: Value[] } {
  const parts: { sql: string; values: Value[] }[] = [];
  const add = (sql: string, ...values: Value[]): void => void parts.push({ sql, values });
  if (filter.category !== undefined) add('category = ?', filter.category);
  if (filter.minConfidence !== undefined) add('alpha >= ? * (alpha + beta)', filter.minConfidence);
  if (filter.belowConfidence !== undefined) {
    add('alpha < ? * (alpha + beta)', filter.belowConfidence);
  }
  if (filter.minUses !== undefined) add('uses >= ?', filter.minUses);
  if (filter.quarantined !== undefined) {
    add(filter.quarantined ? 'quarantine IS NOT NULL' : 'quarantine IS NULL');
  }
  if (filter.verified !== undefined) add(filter.verified ? "verified <> 'no'" : "verified = 'no'");
  if (filter.text !== undefined) {
    const like = `%${filter.text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
    add(String.raw`(name LIKE ? ESCAPE '\' OR prompt LIKE ? ESCAPE '\')`, like, like);
  }
  if (filter.usableAt !== undefined) {
    add('quarantine IS NULL AND (expires_at IS NULL OR expires_at > ?)', filter.usableAt);
  }
  for (const key of filter.scope === undefined ? [] : SCOPE_KEYS) {
    const column = `scope ->> '$.${key}'`;
    const value = filter.scope?.[key];
    if (value === undefined) add(`${column} IS NULL`);
    else add(`(${column} IS NULL OR ${column} = ?)`, value);
  }
  return {
    sql: parts.length === 0 ? 'TRUE' : parts.map(({ sql }) => sql).join(' AND '),
    values: parts.flatMap(({ values }) => values),
  };
}
