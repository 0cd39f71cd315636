import { access } from 'node:fs/promises';
import path from 'node:path';
import ts from '@typescript/typescript6';

/** A test library whose tests can be brought to the grader's runner, or `unknown`. */
export type Runner =
  | 'vitest'
  | 'jest'
  | 'mocha'
  | 'node:test'
  | 'ava'
  | 'tape'
  | 'tap'
  | 'jasmine'
  | 'unknown';

export interface Project {
  /** Folder of the nearest `package.json`, or where the search began. */
  root: string;
  /** `undefined` where the package has no name. */
  name: string | undefined;
  runner: Runner;
  /** Files that the runner loads before each test file. */
  setupFiles: string[];
  /** What the tests run in: `node`, `jsdom`. */
  environment: string;
  /** The `tsconfig.json` that was used. */
  tsconfig: string | undefined;
  /** Decorators in the manner of old, which the grader’s runner does not have. */
  legacyDecorators: boolean;
  /** Whether a file is what the compiler wrote. */
  isBuilt: (file: string) => boolean;
  /** The file that an import leads to: relative, by an alias, or by the package's own name. */
  resolve: (specifier: string, from: string) => string | undefined;
}

type Read = (file: string) => Promise<string | undefined>;

interface Manifest {
  name?: unknown;
  main?: unknown;
  scripts?: Record<string, unknown>;
  dependencies?: Record<string, unknown>;
  devDependencies?: Record<string, unknown>;
  jest?: Record<string, unknown>;
  mocha?: Record<string, unknown>;
}

export async function readProject(start: string, read: Read): Promise<Project> {
  const root = (await findUp(start, 'package.json')) ?? start;
  const manifest = parseManifest(await read(path.join(root, 'package.json')));
  const configs = await Promise.all(
    ['vitest', 'vite', 'jest'].flatMap((name) =>
      ['ts', 'mts', 'js', 'mjs', 'cjs'].map(async (ending) => ({
        name,
        text: (await read(path.join(root, `${name}.config.${ending}`))) ?? '',
      })),
    ),
  );
  const configured = configs.filter(({ text }) => text !== '');
  const mocharc = (await read(path.join(root, '.mocharc.json'))) ?? '';
  const { test } = manifest.scripts ?? {};
  const script = typeof test === 'string' ? test : '';
  const own = JSON.stringify([manifest.jest ?? {}, manifest.mocha ?? {}]);
  const settings = [own, mocharc, ...configured.map(({ text }) => text)].join('\n');
  const { options, tsconfig } = readTsconfig(root);
  const resolve = resolver(root, manifest, options);
  const outDir = options.outDir;
  const scripted = [...script.matchAll(/(?:--require|-r|--import|--file)[ =](\S+)/g)];
  return {
    root,
    name: typeof manifest.name === 'string' ? manifest.name : undefined,
    runner: runnerOf(
      manifest,
      script,
      configured.map(({ name }) => name),
    ),
    setupFiles: [...setupFilesIn(settings), ...scripted.map(([, file]) => file ?? '')]
      .map((file) => file.replace('<rootDir>', '.'))
      .map((file) => (file.startsWith('.') ? path.join(root, file) : file)),
    environment: /environment['"]?\s*:\s*['"]([\w-]+)/i.exec(settings)?.[1] ?? 'node',
    tsconfig,
    legacyDecorators: options.experimentalDecorators === true,
    isBuilt: (file) =>
      outDir !== undefined && outDir !== root && file.startsWith(outDir + path.sep),
    resolve,
  };
}

function parseManifest(text: string | undefined): Manifest {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

async function findUp(start: string, name: string): Promise<string | undefined> {
  for (let folder = start; ; folder = path.dirname(folder)) {
    const found = await access(path.join(folder, name)).then(
      () => true,
      () => false,
    );
    if (found) return folder;
    if (folder === path.dirname(folder)) return undefined;
  }
}

/** By what the test script starts, then by what is configured, then by what is installed. */
function runnerOf(manifest: Manifest, script: string, configured: readonly string[]): Runner {
  const names: readonly Runner[] = ['vitest', 'jest', 'mocha', 'ava', 'tape', 'tap', 'jasmine'];
  const started = names.find((name) =>
    new RegExp(`(?:^|[\\s/&|])${name}(?:$|[\\s&|])`).test(script),
  );
  if (started !== undefined) return started;
  if (/node\s[^&|]*--test\b|\bborp\b/.test(script)) return 'node:test';
  const installed = { ...manifest.dependencies, ...manifest.devDependencies };
  return (
    names.find((name) => configured.includes(name) || Object.hasOwn(installed, name)) ?? 'unknown'
  );
}

function setupFilesIn(settings: string): string[] {
  const found = settings.matchAll(
    /\b(?:setupFiles(?:AfterEnv)?|require)['"]?\s*:\s*(\[[^\]]*\]|['"][^'"]+['"])/g,
  );
  return [...found].flatMap(([, value]) =>
    [...(value ?? '').matchAll(/['"]([^'"]+)['"]/g)].map(([, file]) => file ?? ''),
  );
}

function readTsconfig(root: string): { options: ts.CompilerOptions; tsconfig: string | undefined } {
  const tsconfig = path.join(root, 'tsconfig.json');
  if (!ts.sys.fileExists(tsconfig)) return { options: {}, tsconfig: undefined };
  const { config } = ts.readConfigFile(tsconfig, (file) => ts.sys.readFile(file));
  // No files are listed: only the options matter.
  const host = { ...ts.sys, readDirectory: () => [] };
  return { options: ts.parseJsonConfigFileContent(config, host, root).options, tsconfig };
}

function resolver(
  root: string,
  { name, main }: Manifest,
  own: ts.CompilerOptions,
): Project['resolve'] {
  const options: ts.CompilerOptions = {
    ...own,
    preserveSymlinks: true,
    allowJs: true,
    allowImportingTsExtensions: true,
    resolveJsonModule: true,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
  };
  // The types that a package publishes beside its code are no code.
  const host: ts.ModuleResolutionHost = {
    fileExists: (file) => !/\.d\.[cm]?ts$/.test(file) && ts.sys.fileExists(file),
    readFile: (file) => ts.sys.readFile(file),
    directoryExists: (folder) => ts.sys.directoryExists(folder),
  };
  const find = (specifier: string, from: string): string | undefined => {
    const found = ts.resolveModuleName(specifier, from, options, host).resolvedModule;
    if (found === undefined) return undefined;
    const file = path.normalize(found.resolvedFileName);
    const place = path.relative(root, file).split(path.sep);
    return place[0] === '..' || place.includes('node_modules') ? undefined : file;
  };
  const entry = (): string | undefined =>
    find(`./${typeof main === 'string' ? main : 'index'}`, path.join(root, 'x.js'));
  return (specifier, from) => {
    if (specifier === name) return entry();
    const toRoot =
      /^\.{1,2}(?:\/\.\.)*\/?$/.test(specifier) &&
      path.resolve(path.dirname(from), specifier) === root;
    return (toRoot ? entry() : undefined) ?? find(specifier, from);
  };
}
