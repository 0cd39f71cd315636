import { CommanderError, InvalidArgumentError, type Command, type OptionValues } from 'commander';

/** The options of a sub-command; one that the command above has as well is found there, wherever it stands. */
export function flagsOf(called: Command): OptionValues {
  return { ...called.parent?.opts(), ...called.opts() };
}

/**
 * Refuses an option that only the command above has, where a sub-command would run without it.
 * @throws CommanderError `commander.unknownOption`
 */
export function refuseForeign(above: Command, called: Command): void {
  const own = new Set(called.options.map((option) => option.attributeName()));
  const foreign = above.options.find((option) => {
    const name = option.attributeName();
    return !own.has(name) && above.getOptionValueSource(name) !== undefined;
  });
  if (foreign === undefined) return;
  throw new CommanderError(1, 'commander.unknownOption', `unknown option '${foreign.long}'`);
}

/** Reads a whole number of a range. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}`);
    }
    return value;
  };
}

/** Reads a number of a range. */
export function fraction(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= least && value <= most)) {
      throw new InvalidArgumentError(`expected a number from ${least} to ${most}`);
    }
    return value;
  };
}

/** A moment, or how many milliseconds before now it was. */
export type When = { at: number } | { agoMs: number };

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};

/** Reads `2h`, or a time as in `2026-11-24` and `2026-11-24T09:30`, which is local where it has no zone. */
export function when(text: string): When {
  const [, count, unit = ''] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  if (count !== undefined) return { agoMs: Number(count) * (UNIT_MS[unit] ?? 0) };
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text);
  // A day alone would be one of UTC.
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(isDay ? `${text}T00:00` : text) : NaN;
  if (Number.isNaN(at)) {
    throw new InvalidArgumentError('expected a time as in 2026-11-24T09:30, or 30m, 2h, 3d, 1w');
  }
  return { at };
}

/** Reads words of a list, separated by commas. */
export function someOf<Word extends string>(known: readonly Word[]): (text: string) => Word[] {
  return (text) =>
    text.split(',').map((name) => {
      const word = known.find((it) => it === name.trim());
      if (word === undefined)
        throw new InvalidArgumentError(`expected some of ${known.join(', ')}`);
      return word;
    });
}
