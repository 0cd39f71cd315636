import { messageOf } from '../../../src/core/errors.ts';

/** How one check ended. */
export type Mark = 'pass' | 'FAIL' | 'skipped';

/** What is to be shown, check by check. */
export interface Scorecard {
  /** Runs a check, which throws where it does not hold; what it returns is told beside it. */
  check(name: string, work: () => Promise<string | void>): Promise<Mark>;
  skip(name: string, why: string): Mark;
  /** Prints the closing line; true where something held and nothing failed. */
  close(): boolean;
}

/** Longest that a check may take: what has not ended by then hangs. */
const LONGEST_MS = 120_000;

export function createScorecard(out: (line: string) => void): Scorecard {
  const counts: Record<Mark, number> = { pass: 0, FAIL: 0, skipped: 0 };
  function tell(mark: Mark, name: string, detail: string): Mark {
    counts[mark] += 1;
    out(`${mark.padEnd(7)} ${name}${detail === '' ? '' : `: ${detail}`}`);
    return mark;
  }
  return {
    async check(name, work) {
      try {
        return tell('pass', name, (await within(LONGEST_MS, work())) ?? '');
      } catch (error) {
        return tell('FAIL', name, messageOf(error));
      }
    },
    skip: (name, why) => tell('skipped', name, why),
    close() {
      out(`${counts.pass} passed, ${counts.FAIL} failed, ${counts.skipped} skipped`);
      return counts.pass > 0 && counts.FAIL === 0;
    },
  };
}

/** @throws Error where the work has not ended after so many milliseconds */
export async function within<Result>(ms: number, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing came within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
