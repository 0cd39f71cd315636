import ts from '@typescript/typescript6';

/** The test file found in a model's answer. */
export interface Extraction {
  /** Code blocks in the answer; a block that the answer's end cuts off counts. */
  blocks: number;
  source: 'fence' | 'bare' | 'none';
  /** The test file; empty when the answer holds no test. */
  code: string;
  /** The code as it stood in the answer parses. */
  parses: boolean;
  /** Set when it did not parse and only its whole tests were kept. */
  salvaged?: { kept: number; total: number };
}

const FENCE = /^[ \t]*(`{3,}|~{3,})[ \t]*([\w+.-]*)[^\n]*$/;
const CODE_START =
  /^\s*(import\b|describe\b|it\b|test\b|const\b|let\b|function\b|\/\/|\/\*|['"]use )/;
/** Names whose calls are tests, in vitest's and Jest's words. */
export const TEST_CALLS = new Set(['it', 'test', 'fit', 'xit', 'xtest']);
export const SUITE_CALLS = new Set(['describe', 'suite', 'fdescribe', 'xdescribe']);

/** More than any test file asked for here needs; what follows is not read. */
const MOST_CHARACTERS = 256 * 1024;

/**
 * Finds the test file in an answer: in its fences (the block with the most tests), or in the text
 * itself. Code that does not parse, usually because the answer was cut off, is reduced to its whole
 * `it`/`test` statements and what stands around them.
 */
export function extractTests(answer: string): Extraction {
  try {
    return extract(answer.slice(0, MOST_CHARACTERS));
  } catch (error) {
    // Code nested thousands deep exhausts the parser's stack: there is nothing whole in there.
    if (error instanceof RangeError) return { blocks: 0, source: 'none', code: '', parses: false };
    throw error;
  }
}

function extract(answer: string): Extraction {
  const blocks = codeBlocks(answer);
  let best: { code: string; tests: number } | undefined;
  for (const code of blocks) {
    const tests = countTests(parse(code));
    if (tests > (best?.tests ?? 0)) best = { code, tests };
  }
  if (best !== undefined) return settle(best.code, 'fence', blocks.length);
  const bare = bareCode(answer);
  if (blocks.length === 0 && countTests(parse(bare)) > 0) return settle(bare, 'bare', 0);
  return { blocks: blocks.length, source: 'none', code: '', parses: false };
}

function settle(code: string, source: 'fence' | 'bare', blocks: number): Extraction {
  const file = parse(code);
  if (errorsOf(file).length === 0) return { blocks, source, code, parses: true };
  const whole = salvage(file);
  const kept = countTests(parse(whole));
  return {
    blocks,
    source,
    code: kept > 0 ? whole : '',
    parses: false,
    salvaged: { kept, total: countTests(file) },
  };
}

/** The contents of all fences, whatever language they claim: models mislabel them. */
export function codeBlocks(answer: string): string[] {
  const blocks: string[] = [];
  let open: { fence: string; lines: string[] } | undefined;
  for (const line of answer.split(/\r?\n/)) {
    const [, fence, language] = FENCE.exec(line) ?? [];
    if (open === undefined) {
      if (fence !== undefined) open = { fence, lines: [] };
    } else if (fence?.startsWith(open.fence) === true && language === '') {
      blocks.push(open.lines.join('\n'));
      open = undefined;
    } else {
      open.lines.push(line);
    }
  }
  if (open !== undefined) blocks.push(open.lines.join('\n'));
  return blocks;
}

/** The text from its first line that looks like code to its last that closes a statement. */
function bareCode(answer: string): string {
  const lines = answer.split(/\r?\n/);
  const start = lines.findIndex((line) => CODE_START.test(line));
  if (start < 0) return '';
  const end = lines.findLastIndex((line) => /^\s*\}\s*\)?\s*;?\s*$/.test(line));
  return lines.slice(start, end < start ? undefined : end + 1).join('\n');
}

/** The syntax tree of a test file. */
export function parse(code: string): ts.SourceFile {
  return ts.createSourceFile('answer.ts', code, ts.ScriptTarget.ES2022, true);
}

/** Syntax errors. The compiler keeps them on the file, outside its declared type. */
export function errorsOf(file: ts.SourceFile): readonly unknown[] {
  const diagnostics: unknown = Reflect.get(file, 'parseDiagnostics');
  return Array.isArray(diagnostics) ? diagnostics : [];
}

/** `describe` of `describe.each([...])('…', …)`: the name at the root of a call. */
function rootName(node: ts.Expression): string | undefined {
  let inner = node;
  for (;;) {
    if (ts.isIdentifier(inner)) return inner.text;
    if (ts.isCallExpression(inner) || ts.isPropertyAccessExpression(inner))
      inner = inner.expression;
    else if (ts.isTaggedTemplateExpression(inner)) inner = inner.tag;
    else return undefined;
  }
}

/** The call of one of `names` that a statement consists of: of `it`, whatever hangs on it. */
export function callIn(
  statement: ts.Statement,
  names: ReadonlySet<string>,
): ts.CallExpression | undefined {
  if (!ts.isExpressionStatement(statement)) return undefined;
  const call = ts.isAwaitExpression(statement.expression)
    ? statement.expression.expression
    : statement.expression;
  if (!ts.isCallExpression(call)) return undefined;
  const name = rootName(call);
  return name !== undefined && names.has(name) ? call : undefined;
}

/** The body of the function among a call's arguments. */
export function bodyOf(call: ts.CallExpression): ts.Block | undefined {
  for (const argument of call.arguments) {
    if (ts.isArrowFunction(argument) || ts.isFunctionExpression(argument)) {
      return ts.isBlock(argument.body) ? argument.body : undefined;
    }
  }
  return undefined;
}

function countTests(file: ts.SourceFile): number {
  let tests = 0;
  const visit = (node: ts.Node): void => {
    if (ts.isExpressionStatement(node) && callIn(node, TEST_CALLS) !== undefined) tests += 1;
    else ts.forEachChild(node, visit);
  };
  visit(file);
  return tests;
}

/** Keeps every statement that parses by itself, and opens suites that do not to keep theirs. */
function salvage(file: ts.SourceFile): string {
  const keep = (statements: readonly ts.Statement[]): string[] =>
    statements.flatMap((statement) => {
      const text = statement.getText(file);
      if (errorsOf(parse(text)).length === 0) return text;
      const suite = callIn(statement, SUITE_CALLS);
      const body = suite === undefined ? undefined : bodyOf(suite);
      if (suite === undefined || body === undefined) return [];
      const head = file.text.slice(statement.getStart(file), body.getStart(file) + 1);
      const whole = [head, ...keep(body.statements), '});'].join('\n');
      return errorsOf(parse(whole)).length === 0 ? whole : [];
    });
  return keep(file.statements).join('\n\n');
}
