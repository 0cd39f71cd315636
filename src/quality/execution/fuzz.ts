import type { ExecutionJob } from './execution.ts';

/** Compares a subject's behaviour under random use with that of its mutants. */
export interface FuzzJob {
  subject: ExecutionJob['subject'];
  /** A module that exports `default function trace(subject, random): unknown | Promise<unknown>`. */
  fuzzSource: string;
  /** Mutants to try, by id. */
  mutants: readonly string[];
  /** How many traces of each are compared. */
  seeds: number;
}

/**
 * A test file with one test per seed whose snapshot is the trace: a mutant whose trace differs fails against what
 * the subject itself wrote.
 */
export function fuzzTest({ subject, fuzzSource, seeds }: FuzzJob): {
  test: { fileName: string; source: string };
  modules: Record<string, string>;
} {
  const source = `
    import { createHash } from 'node:crypto';
    import { expect, test } from 'vitest';
    import trace from 'aqe:trace';
    import * as subject from ${JSON.stringify(`./${subject.fileName}`)};

    // mulberry32
    function generator(seed) {
      let state = Math.imul(seed + 1, 0x9e3779b9);
      return () => {
        state = (state + 0x6d2b79f5) | 0;
        let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
        mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
        return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
      };
    }
    // What JSON would confuse stays apart.
    function tell(key, value) {
      if (value === undefined) return '(undefined)';
      if (typeof value === 'bigint') return '(bigint) ' + value;
      if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) {
        return '(number) ' + (Object.is(value, -0) ? '-0' : value);
      }
      return value;
    }
    for (let seed = 0; seed < ${seeds}; seed += 1) {
      test('seed ' + seed, async () => {
        let result;
        try {
          result = { returned: await trace(subject, generator(seed)) };
        } catch (error) {
          result = { thrown: String(error) };
        }
        const text = JSON.stringify(result, tell);
        expect(createHash('sha256').update(text).digest('hex')).toMatchSnapshot();
      });
    }
  `;
  return { test: { fileName: 'fuzz.test.js', source }, modules: { 'aqe:trace': fuzzSource } };
}
