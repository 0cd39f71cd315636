/** A block is called repeated when it stands this often in a row … */
const REPETITIONS = 4;
/** … and the repetitions together are at least this long. */
const LEAST_CHARACTERS = 240;
const LONGEST_PERIOD = 600;

/**
 * Whether a text ends in the same block again and again, as small models do when they are stuck.
 * Only exact repetitions count: a table of similar test cases is no loop.
 */
export function endsInLoop(text: string): boolean {
  const tail = text.slice(-LONGEST_PERIOD * REPETITIONS);
  const runs = commonSuffixRuns(tail);
  for (let period = 1; period <= LONGEST_PERIOD && period < tail.length; period++) {
    // The last `repeated` characters equal those one period before them.
    const repeated = (runs[period] ?? 0) + period;
    if (repeated >= Math.max(LEAST_CHARACTERS, period * REPETITIONS)) return true;
  }
  return false;
}

/** For each shift, how long a suffix of `text` equals the text that many characters earlier (Z function of the reversal). */
function commonSuffixRuns(text: string): number[] {
  const at = (index: number): number => text.charCodeAt(text.length - 1 - index);
  const runs = Array.from({ length: text.length }, () => 0);
  let left = 0;
  let right = 0;
  for (let shift = 1; shift < text.length; shift++) {
    let run = shift < right ? Math.min(right - shift, runs[shift - left] ?? 0) : 0;
    while (shift + run < text.length && at(run) === at(shift + run)) run += 1;
    runs[shift] = run;
    if (shift + run > right) {
      left = shift;
      right = shift + run;
    }
  }
  return runs;
}
