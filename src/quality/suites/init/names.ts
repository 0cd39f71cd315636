import type { Candidate } from './candidates.ts';

/** What a task is called. */
export interface Place {
  id: string;
  /** File name in the task’s folder. */
  subject: string;
}

/** `lib/parse.ts`, `lib/parse.ts#parseDate` */
export function nameOf({ file, only }: Pick<Candidate, 'file' | 'only'>): string {
  return only === undefined ? file : `${file}#${only}`;
}

/** An id, and a file name: an index is called by its folder, or by the package. */
export function placeOf(
  { file, only }: Pick<Candidate, 'file' | 'only'>,
  project: string | undefined,
  taken: Map<string, number>,
): Place {
  const [, folder = '', base = file, ending = ''] =
    /^(?:(.*)\/)?([^/]*?)(\.[cm]?[jt]s)$/.exec(file) ?? [];
  const above = folder.split('/').at(-1);
  const known = above === '' || above === 'src' || above === 'lib' ? undefined : above;
  const stem = base === 'index' ? (known ?? project?.split('/').at(-1) ?? 'index') : base;
  const wanted = [stem, only]
    .filter((part) => part !== undefined)
    .join('-')
    .replaceAll(/[^\w.-]+/g, '-');
  const count = (taken.get(wanted) ?? 0) + 1;
  taken.set(wanted, count);
  const id = count === 1 ? wanted : `${wanted}-${count}`;
  return { id, subject: `${stem.replaceAll(/[^\w.-]+/g, '-')}${ending}` };
}

/** By the greatest cyclomatic complexity of one function. */
export function classOf(complexity: number): 'simple' | 'moderate' | 'complex' {
  if (complexity < 6) return 'simple';
  return complexity < 10 ? 'moderate' : 'complex';
}

const LONGEST_TITLE = 100;

/** The first sentence of the first doc comment, of a function that of its own, or the file’s name. */
export function titleOf({
  module,
  source,
  file,
  only,
}: Pick<Candidate, 'source' | 'file' | 'only'> & { module: { text: string } }): string {
  const fallback = only === undefined ? file : `${only} of ${file}`;
  // What was brought in from elsewhere stands before what it is about.
  const about = only === undefined ? module.text : source.slice(source.lastIndexOf('/**'));
  const [, comment = ''] = /\/\*\*([\s\S]*?)\*\//.exec(about) ?? [];
  const text = comment
    .replaceAll(/^\s*\*/gm, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
  const [sentence = ''] = text.split(/(?<=[.!?]) |(?:^| )@/);
  const plain = sentence.trim().replace(/\.$/, '');
  if (plain === '' || /copyright|licen[sc]e/i.test(text)) return fallback;
  return plain.length > LONGEST_TITLE ? `${plain.slice(0, LONGEST_TITLE - 1)}…` : plain;
}
