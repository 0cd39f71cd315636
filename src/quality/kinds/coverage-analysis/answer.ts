import { z } from 'zod';
import { findJson } from '../../answer-json.ts';
import { readNames } from './branch-names.ts';

/** First and last line. */
export type Lines = readonly [number, number];

/** What an answer says. */
export interface Gaps {
  json: 'valid' | 'salvaged' | 'none';
  /** It is valid JSON and has everything that was asked for, in the form that was asked for. */
  isWellFormed: boolean;
  /** Lines and ranges of lines. */
  lines: Lines[];
  /** Names of branches, each once, in the form of `nameArms` where they can be read. */
  branches: string[];
  proposal: { branch: string; code: string } | undefined;
}

/** The form that the prompt asks for. */
const askedFor = z.object({
  lines: z.array(z.union([z.number(), z.string()])),
  branches: z.array(z.string()),
  test: z.object({ branch: z.string(), code: z.string().min(1) }),
});

/** Anything that an object with gaps may hold. */
const anything = z.object({
  lines: z.unknown(),
  branches: z.unknown(),
  test: z.unknown(),
});

const NOTHING: Gaps = {
  json: 'none',
  isWellFormed: false,
  lines: [],
  branches: [],
  proposal: undefined,
};

/** Reads the gaps in an answer. What cannot be understood is left out. */
export function parseGaps(answer: string): Gaps {
  const found = findJson(answer, (value) => {
    const { success, data } = anything.partial().safeParse(value);
    return success && Object.keys(data).length > 0 ? data : undefined;
  });
  if (found.state === 'none') return NOTHING;
  const { lines, branches, test } = found.value;
  return {
    json: found.state,
    isWellFormed: found.state === 'valid' && askedFor.safeParse(found.value).success,
    lines: rangesIn(lines),
    branches: [...new Set(namesIn(branches))],
    proposal: proposalIn(test),
  };
}

/** `12`, `"12"`, `"12-15, 18"`, `[12, 15]` inside of a list, and lists of them. */
function rangesIn(value: unknown): Lines[] {
  if (typeof value === 'number') return Number.isInteger(value) ? [[value, value]] : [];
  if (typeof value === 'string') {
    return [...value.matchAll(/(\d+)(?:\s*(?:-|–|\.{2,3}|to)\s*(\d+))?/g)].map(
      ([, from, to]): Lines => [Number(from), Number(to ?? from)],
    );
  }
  if (!Array.isArray(value)) return [];
  return value.flatMap((item: unknown): Lines[] => {
    const pair = z.tuple([z.int(), z.int()]).safeParse(item);
    return pair.success ? [pair.data] : rangesIn(item);
  });
}

/** Strings, and objects such as `{"line": 12, "way": "then"}`. */
function namesIn(value: unknown): string[] {
  if (typeof value === 'string') return readNames(value);
  if (!Array.isArray(value)) return [];
  return value.flatMap((item: unknown): string[] => {
    if (typeof item === 'string') return readNames(item);
    if (typeof item !== 'object' || item === null) return [];
    const words = Object.values(item).filter(
      (word) => typeof word === 'string' || typeof word === 'number',
    );
    return words.length > 0 ? readNames(words.join(' ')) : [];
  });
}

function proposalIn(value: unknown): Gaps['proposal'] {
  const { success, data } = z
    .object({ branch: z.string(), code: z.string().trim().min(1) })
    .safeParse(value);
  return success ? { branch: readNames(data.branch)[0] ?? '', code: data.code } : undefined;
}
