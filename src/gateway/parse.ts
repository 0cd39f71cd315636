import { z } from 'zod';
import { AppError, type Problem } from '../core/errors.ts';

/**
 * A body as a schema has it.
 * @throws AppError `gateway.invalid-request` with every problem and its dotted path
 */
export function parseBody<Schema extends z.ZodType>(
  schema: Schema,
  body: unknown,
): z.output<Schema> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw invalidRequest(parsed.error.issues.flatMap((issue) => problemsOf(issue, [])));
}

export function invalidRequest(problems: readonly Problem[]): AppError {
  return new AppError('gateway.invalid-request', 'The request is not valid.', { problems });
}

/** A field that is taken only where it asks for nothing: `null`, or what `isNeutral` knows. */
export function refused(
  isNeutral: (value: unknown) => boolean = () => false,
): z.ZodOptional<z.ZodUnknown> {
  return z
    .unknown()
    .refine(
      (value) => value === undefined || value === null || isNeutral(value),
      'is not supported by this gateway',
    )
    .optional();
}

export const isFalse = (value: unknown): boolean => value === false;
export const isZero = (value: unknown): boolean => value === 0;
/** Nothing in it, be it a list, an object or a text. */
export const isEmpty = (value: unknown): boolean =>
  value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);

/** JSON Schema and other objects that are passed on as they are. */
export const jsonObject = z.record(z.string(), z.unknown());

type Issue = z.core.$ZodIssue;

/** Of a choice between shapes, the problems of the one that was meant: where parsing came furthest. */
function problemsOf(issue: Issue, above: readonly PropertyKey[]): Problem[] {
  const path = [...above, ...issue.path];
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const depth = (branch: readonly Issue[]): number =>
      Math.max(0, ...branch.map((it) => it.path.length));
    const meant = issue.errors.toSorted((a, b) => depth(b) - depth(a))[0] ?? [];
    if (depth(meant) > 0) return meant.flatMap((it) => problemsOf(it, path));
    const messages = new Set(issue.errors.flat().map(({ message }) => message));
    return [{ path: dotted(path), message: [...messages].join(', or ') }];
  }
  return [{ path: dotted(path), message: issue.message }];
}

function dotted(path: readonly PropertyKey[]): string {
  return path.map(String).join('.') || '(body)';
}
