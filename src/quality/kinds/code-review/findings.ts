import { z } from 'zod';
import { findJson } from '../../answer-json.ts';

/** What an answer reports. */
export interface Finding {
  /** Absent where the answer names none. */
  line?: number;
  title: string;
  /** Empty where the answer gives none that says anything. */
  explanation: string;
}

export interface Findings {
  json: 'valid' | 'salvaged' | 'none';
  findings: Finding[];
}

/** Letters that an explanation has at least. */
const LEAST_LETTERS = 10;

const findingSchema = z.object({
  /** `12`, `"12"`, `"line 12"`; of a range the first line. */
  line: z
    .union([
      z.number(),
      z.string().transform((text) => Number(/\d+/.exec(text)?.[0] ?? Number.NaN)),
    ])
    .pipe(z.int().min(1))
    .optional()
    .catch(undefined),
  title: z.string().catch(''),
  kind: z.string().catch(''),
  explanation: z.string().catch(''),
});

/** Reads the list of findings in an answer. What stands in the list and is no finding stays in it, empty. */
export function parseFindings(answer: string): Findings {
  const found = findJson(answer, listOfFindings);
  if (found.state === 'none') return { json: 'none', findings: [] };
  return { json: found.state, findings: found.value.map(findingOf) };
}

/** A list that is empty, or has something with a line in it. */
function listOfFindings(value: unknown): unknown[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const isList =
    value.length === 0 ||
    value.some((item) => typeof item === 'object' && item !== null && 'line' in item);
  return isList ? value : undefined;
}

function findingOf(item: unknown): Finding {
  const { success, data } = findingSchema.safeParse(item);
  if (!success) return { title: '', explanation: '' };
  const { line, title, kind, explanation } = data;
  const letters = explanation.match(/\p{L}/gu)?.length ?? 0;
  return {
    ...(line === undefined ? {} : { line }),
    title: (title.trim() || kind.trim()).slice(0, 200),
    explanation: letters < LEAST_LETTERS ? '' : explanation.trim(),
  };
}
