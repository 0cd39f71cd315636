import ts from '@typescript/typescript6';
import path from 'node:path';
import { SUITE_CALLS, TEST_CALLS, callIn, parse } from '../../extraction.ts';
import { testBlocks, withoutTests } from '../../kinds/coverage-analysis/test-file.ts';
import { MOCHA_NAMES, TEXTS } from './adapters.ts';
import { declaredIn, type Module } from './module.ts';
import { changeOf, LIBRARIES_OF_TESTS, renamed, type Edit, type Target } from './test-imports.ts';

/** A test of the project that cannot be taken over, and why. */
export interface LeftOut {
  name: string;
  reason: string;
}

export type Reference =
  | { state: 'made'; text: string; tests: number; leftOut: LeftOut[] }
  | { state: 'refused'; reason: string };

const MOCKED =
  /\b(?:vi|vitest|jest)\.(?:mock|doMock|importActual|requireActual|unstable_mockModule)\(/;

/** One test file on its way into the reference. */
interface Part {
  name: string;
  /** Static imports, which stand at the top whatever is around the rest. */
  imports: string[];
  body: string;
  needs: Set<keyof typeof TEXTS>;
  leftOut: LeftOut[];
}

/** Makes one test file for the grader's runner of those that the project has for a module. */
export function referenceOf(
  target: Target,
  files: readonly Module[],
  root: string,
  setup: readonly Module[] = [],
): Reference {
  const parts: Part[] = [];
  const problems: string[] = [];
  const before = setup
    .map((file) => takeOver(target, file, path.relative(root, file.file)))
    .filter((part) => typeof part !== 'string');
  for (const file of files) {
    const part = takeOver(target, file, path.relative(root, file.file));
    if (typeof part === 'string') problems.push(part);
    else parts.push(part);
  }
  const tests = parts.reduce((count, { body }) => count + testBlocks(body).length, 0);
  const leftOut = parts.flatMap((part) => part.leftOut);
  if (tests === 0) {
    const [reason = leftOut[0]?.reason ?? 'holds no test that can be told apart'] = problems;
    return { state: 'refused', reason: `its tests cannot be taken over: ${reason}` };
  }
  return { state: 'made', text: assemble(parts, before), tests, leftOut };
}

function assemble(parts: readonly Part[], setup: readonly Part[]): string {
  const order = Object.keys(TEXTS).filter((name): name is keyof typeof TEXTS =>
    Object.hasOwn(TEXTS, name),
  );
  const needed = order.filter((name) => [...setup, ...parts].some(({ needs }) => needs.has(name)));
  // Names that a file declares for itself must not hide those that stand before it.
  const body = parts.map(({ name, body: text }) =>
    parts.length === 1 && setup.length === 0 && needed.length === 0
      ? text.trim()
      : `describe(${JSON.stringify(name)}, () => {\n${text.replace(/^\s*['"]use strict['"];?/, '').trim()}\n});`,
  );
  const imports = [...new Set([...setup, ...parts].flatMap((part) => part.imports))];
  const first = setup.map(({ body: text }) => text.trim());
  const origin = `// @ts-nocheck\n// Taken over from ${parts.map(({ name }) => name).join(', ')}.`;
  return `${[origin, imports.join('\n'), ...needed.map((name) => TEXTS[name]), ...first, ...body].filter((text) => text !== '').join('\n\n')}\n`;
}

function takeOver(target: Target, file: Module, name: string): Part | string {
  if (MOCKED.test(file.text)) return `${name} mocks modules`;
  const edits: Edit[] = [];
  const imports: string[] = [];
  const needs = new Set<keyof typeof TEXTS>();
  /** Local names of what is not there, and what they stand for. */
  const missing = new Map<string, string>();
  const declared = declaredIn(file.ast);
  for (const imported of file.imports) {
    const { each, edits: names } = renamed(imported, file, declared);
    const change = changeOf(each, target, file);
    for (const [local, reason] of change.missing) missing.set(local, reason);
    for (const need of change.needs) needs.add(need);
    imports.push(...change.imports);
    edits.push(...change.edits, ...names);
  }
  for (const [old, now] of Object.entries(MOCHA_NAMES)) {
    if (!declared.has(old))
      edits.push(...calledBy(file.ast, old).map((range) => ({ ...range, text: now })));
  }
  // Mocha’s settings of a test.
  for (const match of file.text.matchAll(/\bthis\.(?:timeout|slow|retries)\([^)]*\);?/g)) {
    edits.push({ start: match.index, end: match.index + match[0].length, text: '' });
  }
  const text = applied(file.text, edits);
  const blocks = testBlocks(text);
  const leftOut = blocks.flatMap((block) => {
    const word = [...missing.keys()].find((local) => mentions(block.code, local));
    return word === undefined ? [] : [{ name: block.name, reason: `uses ${missing.get(word)}` }];
  });
  const body =
    leftOut.length === 0 ? text : withoutTests(text, new Set(leftOut.map((block) => block.name)));
  const outside = [...missing].find(([local]) => mentions(body, local));
  if (outside !== undefined) return `${name} uses ${outside[1]} outside of its tests`;
  return { name, imports, body, needs, leftOut };
}

/** Where a name is called, and the calls of its members: `context`, `context.only`. */
function calledBy(ast: ts.SourceFile, name: string): { start: number; end: number }[] {
  const found: { start: number; end: number }[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      const { expression } = node;
      const root = ts.isPropertyAccessExpression(expression) ? expression.expression : expression;
      if (ts.isIdentifier(root) && root.text === name) {
        found.push({ start: root.getStart(ast), end: root.getEnd() });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(ast);
  return found;
}

function applied(text: string, edits: readonly Edit[]): string {
  let result = text;
  for (const { start, end, text: now } of [...edits].sort((a, b) => b.start - a.start)) {
    result = result.slice(0, start) + now + result.slice(end);
  }
  return result;
}

function mentions(code: string, name: string): boolean {
  return new RegExp(`(?<![\\w$.])${name.replaceAll('$', '\\$')}(?![\\w$])`).test(code);
}

/** A reference without what came from one of several files; `undefined` where that is not in it. */
export function withoutFile(text: string, name: string): string | undefined {
  const statement = parse(text).statements.find(
    (each) =>
      callIn(each, SUITE_CALLS)?.arguments.some(
        (title) => ts.isStringLiteral(title) && title.text === name && /\.[cm]?[jt]sx?$/.test(name),
      ) === true,
  );
  if (statement === undefined) return undefined;
  return text.slice(0, statement.getFullStart()) + text.slice(statement.getEnd());
}

/** Whether a file seems to hold tests. */
export function hasTests({ ast, imports }: Module): boolean {
  if (imports.some(({ specifier }) => LIBRARIES_OF_TESTS.has(specifier))) return true;
  const visit = (node: ts.Node): boolean =>
    (ts.isExpressionStatement(node) && callIn(node, TEST_CALLS) !== undefined) ||
    (ts.forEachChild(node, visit) ?? false);
  return visit(ast);
}
