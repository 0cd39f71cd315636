import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import type { Problem } from '../core/errors.ts';
import { COMPLEXITIES, PRIORITIES, TASK_CATEGORIES } from '../core/task.ts';
import { scopeSchema } from '../patterns/rows.ts';
import type { RouteRequest } from '../routing/decision.ts';
import { invalidRequest } from './parse.ts';

/** What a client may say of a request beside its body. */
export type RequestOptions = Pick<
  RouteRequest,
  'private' | 'session' | 'category' | 'complexity' | 'priority' | 'agent' | 'scope'
>;

const FLAGS = new Map<unknown, boolean>([
  [true, true],
  ['true', true],
  ['1', true],
  [false, false],
  ['false', false],
  ['0', false],
]);
const flag = z
  .unknown()
  .refine((value) => FLAGS.has(value), 'expected true or false')
  .transform((value) => FLAGS.get(value) === true);
/** Names that people and programs give; nothing that breaks a line of a log. */
const name = z
  .string()
  .regex(/^[^\p{Cc}]{1,256}$/u, 'expected 1 to 256 characters, none of them for control');

/** In a header `repository=shop, commit=4f2a`, in a body an object too. */
const scope = z.preprocess(
  (value) =>
    typeof value === 'string'
      ? Object.fromEntries(
          value.split(',').map((pair) => {
            const [key = '', ...rest] = pair.split('=');
            return [key.trim(), rest.join('=').trim()];
          }),
        )
      : value,
  scopeSchema,
);

const SCHEMAS = {
  private: flag,
  session: name,
  category: z.enum(TASK_CATEGORIES),
  complexity: z.enum(COMPLEXITIES),
  priority: z.enum(PRIORITIES),
  agent: name,
  scope,
};
const optionsSchema = z.object(SCHEMAS).partial();
const NAMES = Object.keys(SCHEMAS);

/**
 * Options from the headers `x-aqe-<name>` and the body's `metadata`. A header goes before the body,
 * but a request that either of them calls private is private.
 * @throws AppError `gateway.invalid-request`
 */
export function readOptions(headers: IncomingHttpHeaders, metadata: unknown): RequestOptions {
  const problems: Problem[] = [];
  const said = read((key) => headers[`x-aqe-${key}`], 'x-aqe-', problems);
  const fields = new Map<string, unknown>(
    typeof metadata === 'object' && metadata !== null ? Object.entries(metadata) : [],
  );
  const written = read((key) => fields.get(key) ?? undefined, 'metadata.', problems);
  if (problems.length > 0) throw invalidRequest(problems);
  const isPrivate = said.private === true || written.private === true;
  return { ...written, ...said, ...(isPrivate ? { private: true } : {}) };
}

function read(
  valueOf: (key: string) => unknown,
  prefix: string,
  problems: Problem[],
): RequestOptions {
  const given = NAMES.flatMap((key): [string, unknown][] => {
    const value = valueOf(key);
    return value === undefined ? [] : [[key, value]];
  });
  if (given.length === 0) return {};
  const parsed = optionsSchema.safeParse(Object.fromEntries(given));
  if (!parsed.success) {
    for (const { path, message } of parsed.error.issues) {
      problems.push({ path: `${prefix}${path.map(String).join('.')}`, message });
    }
    return {};
  }
  return Object.fromEntries(Object.entries(parsed.data).filter(([, value]) => value !== undefined));
}
