import { fileURLToPath } from 'node:url';
import ts from '@typescript/typescript6';

interface SourceText {
  fileName: string;
  source: string;
}

/**
 * Checks one test file against its subject.
 * @returns one line an error, `line:column message`; at most 20
 */
export type TypeChecker = (subject: SourceText, test: SourceText) => string[];

const MOST_ERRORS = 20;

/** Resolution of the test library's own types starts here. */
const FOLDER = fileURLToPath(new URL('../../answers/', import.meta.url));

/** What a test may use: the runner's, matchers' and spies' own types, imported or as globals. */
const LIBRARY = `
declare module 'vitest' {
  export { describe, suite, it, test, beforeAll, beforeEach, afterAll, afterEach, onTestFailed, onTestFinished } from '@vitest/runner';
  export const expect: import('@vitest/expect').ExpectStatic;
  export const assert: any;
  export function expectTypeOf(value?: unknown): any;
  interface Tools {
    fn: typeof import('@vitest/spy').fn;
    spyOn: typeof import('@vitest/spy').spyOn;
    isMockFunction: typeof import('@vitest/spy').isMockFunction;
    mocked<T>(value: T, options?: unknown): import('@vitest/spy').Mocked<T>;
    useFakeTimers(options?: unknown): Tools;
    [tool: string]: any;
  }
  export const vi: Tools;
  export { vi as vitest, vi as jest };
  export type { Mock, Mocked, MockInstance, MockedFunction } from '@vitest/spy';
}
declare module '@jest/globals' {
  export * from 'vitest';
}
type VitestLibrary = typeof import('vitest');
declare const describe: VitestLibrary['describe'], suite: VitestLibrary['suite'], it: VitestLibrary['it'], test: VitestLibrary['test'];
declare const xit: any, fit: any, xtest: any, xdescribe: any, fdescribe: any;
declare const beforeAll: VitestLibrary['beforeAll'], beforeEach: VitestLibrary['beforeEach'];
declare const afterAll: VitestLibrary['afterAll'], afterEach: VitestLibrary['afterEach'];
declare const expect: VitestLibrary['expect'], vi: VitestLibrary['vi'], jest: VitestLibrary['vi'];
`;

/** What vitest itself adds to the types of matchers and test contexts. */
const MATCHERS = `
import '@vitest/expect';
import '@vitest/runner';
declare module '@vitest/runner' {
  interface TestContext {
    readonly expect: import('@vitest/expect').ExpectStatic;
  }
}
declare module '@vitest/expect' {
  interface ExpectStatic {
    soft: <T>(actual: T, message?: string) => Assertion<T>;
    poll: <T>(actual: () => T, options?: unknown) => any;
    assertions: (expected: number) => void;
    hasAssertions: () => void;
    unreachable: (message?: string) => never;
    addSnapshotSerializer: (serializer: unknown) => void;
  }
  interface Assertion<T> {
    toMatchSnapshot(hint?: string): void;
    toMatchSnapshot<U extends { [P in keyof T]: any }>(shape: Partial<U>, hint?: string): void;
    toMatchInlineSnapshot(snapshot?: string, hint?: string): void;
    toMatchInlineSnapshot<U extends { [P in keyof T]: any }>(shape: Partial<U>, snapshot?: string, hint?: string): void;
    toThrowErrorMatchingSnapshot(hint?: string): void;
    toThrowErrorMatchingInlineSnapshot(snapshot?: string, hint?: string): void;
  }
}
`;

/** The few of Node's globals that most tests use; Node's own types take most of the time of a check. */
const GLOBALS = `
declare const console: any, performance: any;
declare function setTimeout(callback: (...args: any[]) => void, ms?: number, ...args: any[]): any;
declare function setInterval(callback: (...args: any[]) => void, ms?: number, ...args: any[]): any;
declare function setImmediate(callback: (...args: any[]) => void, ...args: any[]): any;
declare function clearTimeout(timer?: any): void;
declare function clearInterval(timer?: any): void;
declare function clearImmediate(timer?: any): void;
declare function queueMicrotask(callback: () => void): void;
declare function structuredClone<T>(value: T, options?: unknown): T;
`;

/** Names and imports that take the rest of Node's types. */
const NODE =
  /\b(process|Buffer|require|global|NodeJS|URL|URLSearchParams|TextEncoder|TextDecoder|Abort\w+|Event|EventTarget|EventEmitter|DOMException|crypto|fetch|Blob|\w+Stream|MessageChannel|atob|btoa)\b|from\s*['"](?!\.|vitest|@jest)/;

/** Tests are rarely written for strict mode, and no runner asks it of them. */
const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2023.d.ts'],
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  allowImportingTsExtensions: true,
  // Parameters of a subject in JavaScript may be left out, and its JSDoc counts.
  allowJs: true,
  strict: false,
  noEmit: true,
  skipLibCheck: true,
  types: [],
};

/** The compiler stays loaded between checks. */
export function createTypeChecker(): TypeChecker {
  let plain: TypeChecker | undefined;
  let withNode: TypeChecker | undefined;
  return (subject, test) => {
    if (NODE.test(subject.source) || NODE.test(test.source)) {
      withNode ??= createService({ ...OPTIONS, types: ['node'] }, []);
      return withNode(subject, test);
    }
    plain ??= createService(OPTIONS, [['globals.d.ts', GLOBALS]]);
    return plain(subject, test);
  };
}

function createService(
  options: ts.CompilerOptions,
  more: readonly [string, string][],
): TypeChecker {
  const files = new Map<string, { version: number; snapshot: ts.IScriptSnapshot }>();
  let version = 0;
  const write = (name: string, text: string): string => {
    const file = FOLDER + name;
    version += 1;
    files.set(file, { version, snapshot: ts.ScriptSnapshot.fromString(text) });
    return file;
  };
  const library: readonly [string, string][] = [
    ['library.d.ts', LIBRARY],
    ['matchers.d.ts', MATCHERS],
    ...more,
  ];
  const fixed = library.map(([name, text]) => write(name, text));
  let roots: string[] = fixed;
  const service = ts.createLanguageService({
    getCompilationSettings: () => options,
    getScriptFileNames: () => roots,
    getScriptVersion: (file) => String(files.get(file)?.version ?? 0),
    getScriptSnapshot: (file) => {
      const text = files.has(file) ? undefined : ts.sys.readFile(file);
      return text === undefined ? files.get(file)?.snapshot : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => FOLDER,
    getDefaultLibFileName: (settings) => ts.getDefaultLibFilePath(settings),
    fileExists: (file) => files.has(file) || ts.sys.fileExists(file),
    readFile: (file) => ts.sys.readFile(file),
    directoryExists: (folder) => `${folder}/` === FOLDER || ts.sys.directoryExists(folder),
  });
  return (subject, test) => {
    // Resolution finds no other endings without naming them.
    const subjectFile = write(subject.fileName.replace(/\.[cm]([jt]s)$/, '.$1'), subject.source);
    const testFile = write(test.fileName, test.source);
    roots = [...fixed, subjectFile, testFile];
    const found = [
      ...service.getSyntacticDiagnostics(testFile),
      ...service.getSemanticDiagnostics(testFile),
    ];
    files.delete(testFile);
    files.delete(subjectFile);
    return found.slice(0, MOST_ERRORS).map(describeError);
  };
}

function describeError(diagnostic: ts.Diagnostic): string {
  const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, ' ');
  if (diagnostic.file === undefined || diagnostic.start === undefined) return message;
  const { line, character } = diagnostic.file.getLineAndCharacterOfPosition(diagnostic.start);
  return `${line + 1}:${character + 1} ${message}`;
}
