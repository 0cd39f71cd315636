import type { BranchArm } from '../../execution/execution.ts';

/**
 * Names that a person can read for the ways that branches can go, by istanbul's key: `12.then` and
 * `12.else`, `12.op2` for the second operand of a logical expression, `12.case`, `12.default` for the
 * default value of a parameter. From the second of one kind in a line on: `12b.then`.
 */
export function nameArms(arms: readonly BranchArm[]): Map<string, string> {
  const names = new Map<string, string>();
  const taken = new Set<string>();
  for (const { key, line, type, index } of arms) {
    const way = wayOf(type, index);
    let nth = 1;
    while (taken.has(nameOf(line, nth, way))) nth += 1;
    const name = nameOf(line, nth, way);
    taken.add(name);
    names.set(key, name);
  }
  return names;
}

function wayOf(type: string, index: number): string {
  switch (type) {
    case 'if':
    case 'cond-expr':
      return index === 0 ? 'then' : 'else';
    case 'switch':
      return 'case';
    case 'default-arg':
      return 'default';
    default:
      return `op${index + 1}`;
  }
}

function nameOf(line: number, nth: number, way: string): string {
  const letter = nth === 1 ? '' : String.fromCodePoint('a'.charCodeAt(0) + nth - 1);
  return `${line}${letter}.${way}`;
}

/** What an answer may call the ways. */
const SYNONYMS: Readonly<Record<string, string>> = {
  true: 'then',
  if: 'then',
  false: 'else',
  right: 'op2',
  left: 'op1',
};

const NAME =
  /(\d+)\s*([b-z])?(?![a-z])[^a-z0-9]*(?:op[^a-z0-9]*(\d+)|(then|else|case|default|true|false|if|left|right))/gi;

/** The names in a text: as they are written, or nearly so; otherwise the text itself. */
export function readNames(text: string): string[] {
  const names = [...text.matchAll(NAME)].map(([, line, letter = '', operand, way = '']) => {
    const word = way.toLowerCase();
    const known = operand === undefined ? (SYNONYMS[word] ?? word) : `op${operand}`;
    return `${line}${letter.toLowerCase()}.${known}`;
  });
  return names.length > 0 ? names : [text.trim()];
}
