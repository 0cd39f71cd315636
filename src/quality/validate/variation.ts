import { deriveSeed, seededIndex, type RandomIndex } from '../../core/random.ts';
import type { Measured } from '../kinds/test-generation/format.ts';
import type { TestGenerationTask } from '../kinds/test-generation/kind.ts';
import { subjectHash } from '../kinds/test-generation/measure.ts';
import { allWords, exportedNames, isKnown, messageWords, sharedWords } from './words.ts';

export type MeasuredTask = TestGenerationTask & { measured: Measured };

/** A task that was made out of one of a suite's. */
export interface Variation {
  /** From 0. */
  index: number;
  /** The id of the task that it was made from. */
  base: string;
  task: MeasuredTask;
  /** New words of string constants by those that they stand for, in lower case. */
  constants: ReadonlyMap<string, string>;
  /** The same for the names of exports. */
  names: ReadonlyMap<string, string>;
  /** The reference tests with the new names and the old constants: what was right before. */
  staleTests: () => string;
}

export interface Variations {
  /** Ids of the tasks that variations are made from, in turn. */
  bases: readonly string[];
  /** Ids of test-generation tasks that no word of can be changed. */
  unvaried: readonly string[];
  /** The same index and seed always give the same variation. Costs no more the higher the index. */
  at: (index: number) => Variation;
}

/** Words that one variation changes at most, where it need not change all. */
const MOST_CONSTANTS = 3;
const CONSONANTS = 'bdfghklmnprstvz';
const VOWELS = 'aeiou';

interface Base {
  task: MeasuredTask;
  constants: readonly string[];
  /** Those of the constants that stand in messages of errors. */
  messages: readonly string[];
  names: readonly string[];
  taken: ReadonlySet<string>;
}

/**
 * Variations of test-generation tasks: everything that the module exports gets another name, and some words of
 * its string constants, which its tests expect, become others. What was right to answer before is wrong after
 * that; the right answer is the written one with the same changes. New words are as long as the old ones, so
 * that every place stays where it was and what was measured of the task holds for the variation.
 * @param tasks those of other categories, and those that were never measured, are left out
 */
export function createVariations(tasks: readonly MeasuredTask[], seed: number): Variations {
  const all = tasks.map(baseOf);
  const bases = all.filter(({ constants }) => constants.length > 0);
  return {
    bases: bases.map(({ task }) => task.id),
    unvaried: all.filter(({ constants }) => constants.length === 0).map(({ task }) => task.id),
    at: (index) => {
      const base = bases[index % bases.length];
      if (base === undefined) throw new RangeError('there is no task to make variations of');
      const random = seededIndex(deriveSeed(seed, 'variation', String(index)));
      const { constants, names } = newWords(base, random);
      const { task } = base;
      return {
        index,
        base: task.id,
        task: varied(task, new Map([...constants, ...names])),
        constants,
        names,
        staleTests: () => changer(names)(task.referenceSource),
      };
    },
  };
}

function baseOf(task: MeasuredTask): Base {
  const { subjectSource, referenceSource, subject } = task;
  // The module is imported by its file's name, which stays.
  const fileWords = allWords(subject);
  const names = exportedNames(subjectSource).filter(
    (name) => name.length > 1 && !isKnown(name) && !fileWords.has(name.toLowerCase()),
  );
  const lower = new Set(names.map((name) => name.toLowerCase()));
  // A word that is also an export's name is changed with the names.
  const constants = sharedWords(subjectSource, referenceSource, subject).filter(
    (word) => !lower.has(word),
  );
  const said = messageWords(subjectSource);
  return {
    task,
    constants,
    messages: constants.filter((word) => said.has(word)),
    names,
    taken: allWords(`${subjectSource}\n${referenceSource}`),
  };
}

function newWords(
  { constants, messages, names, taken }: Base,
  random: RandomIndex,
): Pick<Variation, 'constants' | 'names'> {
  const chosen = chooseConstants(constants, messages, random);
  const used = new Set(taken);
  const renewed = (words: readonly string[]): Map<string, string> => {
    const fresh = new Map<string, string>();
    for (const word of new Set(words)) {
      const other = freshWord(word.length, used, random);
      used.add(other);
      fresh.set(word, other);
    }
    return fresh;
  };
  return { constants: renewed(chosen), names: renewed(names.map((name) => name.toLowerCase())) };
}

/** A message is expected word for word. Another constant may be one that tests only hand in: then all are changed. */
function chooseConstants(
  constants: readonly string[],
  messages: readonly string[],
  random: RandomIndex,
): readonly string[] {
  if (messages.length === 0) return constants;
  const first = messages[random(messages.length)] ?? '';
  const others = constants.filter((word) => word !== first);
  const count = Math.min(others.length, random(MOST_CONSTANTS));
  while (others.length > count) others.splice(random(others.length), 1);
  return [first, ...others];
}

function freshWord(length: number, used: ReadonlySet<string>, random: RandomIndex): string {
  for (;;) {
    const start = random(2);
    const word = Array.from({ length }, (_, at) => {
      const letters = (at + start) % 2 === 0 ? CONSONANTS : VOWELS;
      return letters[random(letters.length)] ?? 'a';
    }).join('');
    if (!used.has(word) && !isKnown(word)) return word;
  }
}

function varied(task: MeasuredTask, words: ReadonlyMap<string, string>): MeasuredTask {
  const change = changer(words);
  const subjectSource = change(task.subjectSource);
  const { measured } = task;
  return {
    ...task,
    subjectSource,
    referenceSource: change(task.referenceSource),
    measured: {
      ...measured,
      subject: subjectHash({ subjectSource }),
      mutants: measured.mutants.map((mutant) => ({
        ...mutant,
        id: change(mutant.id),
        original: change(mutant.original),
        replacement: change(mutant.replacement),
      })),
    },
  };
}

/** Puts the new words in, wherever the old ones stand whole, with their capitals. */
function changer(words: ReadonlyMap<string, string>): (text: string) => string {
  if (words.size === 0) return (text) => text;
  const pattern = new RegExp(`(?<![\\w$])(?:${[...words.keys()].join('|')})(?![\\w$])`, 'gi');
  return (text) =>
    text.replace(pattern, (old) => {
      const fresh = words.get(old.toLowerCase()) ?? old;
      return Array.from(old)
        .map((letter, at) => {
          const other = fresh[at] ?? letter;
          return letter === letter.toUpperCase() && letter !== letter.toLowerCase()
            ? other.toUpperCase()
            : other;
        })
        .join('');
    });
}
