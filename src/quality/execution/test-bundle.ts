import { build, type Loader, type Plugin } from 'esbuild';
import { builtinModules } from 'node:module';
import { basename, extname } from 'node:path';
import { SourceError } from './instrument.ts';

/** Modules of the runner that a test file may import. */
const RUNNER_MODULES = new Set(['vitest', 'vitest/globals', '@jest/globals']);
/** What a rerun puts around the tests; only modules that come with a suite may ask for it. */
export const WORLD_MODULE = 'aqe:world';
const LOADERS: Readonly<Record<string, Loader>> = {
  '.js': 'js',
  '.mjs': 'js',
  '.cjs': 'js',
  '.jsx': 'jsx',
  '.tsx': 'tsx',
};
const MAX_TEST_BYTES = 256 * 1024;

interface Source {
  fileName: string;
  source: string;
}

function stem(fileName: string): string {
  return basename(fileName).replace(/\.[cm]?[jt]sx?$/, '');
}

function isBuiltin(specifier: string): boolean {
  return specifier.startsWith('node:') || builtinModules.includes(specifier);
}

/** Further modules of the test's own, by the specifier it imports them by. */
type Modules = Readonly<Record<string, string>>;

/** Resolves everything to a request of the sandbox's `require`, or refuses. */
function resolver(subjectName: string, test: Source, modules: Modules): Plugin {
  return {
    name: 'subject',
    setup(bundle) {
      bundle.onResolve({ filter: /.*/ }, ({ path, kind, namespace, importer }) => {
        if (kind === 'entry-point') return undefined;
        const own = path.replace(/\.[cm]?[jt]s$/, '');
        if (path === 'aqe:test' || (namespace === 'test' && Object.hasOwn(modules, own))) {
          return { path: path === 'aqe:test' ? path : own, namespace: 'test' };
        }
        if (path === WORLD_MODULE && Object.hasOwn(modules, importer)) {
          return { path, namespace: 'request' };
        }
        if (namespace === 'request') return { path, external: true };
        const name =
          /^\.{0,2}\//.test(path) && stem(path) === stem(subjectName) ? 'aqe:subject' : path;
        if (name === path && !RUNNER_MODULES.has(path) && !isBuiltin(path)) {
          return {
            errors: [
              {
                text: `Cannot import "${path}": only ./${stem(subjectName)}, the test runner and Node's own modules are there`,
              },
            ],
          };
        }
        // A static import becomes a CommonJS module, so that bindings stay live and missing names are undefined.
        return kind === 'import-statement'
          ? { path: name, namespace: 'request' }
          : {
              path: kind === 'dynamic-import' ? `import:${name}` : name,
              external: true,
            };
      });
      bundle.onLoad({ filter: /.*/, namespace: 'test' }, ({ path }) => ({
        contents: modules[path] ?? test.source,
        loader: modules[path] === undefined ? (LOADERS[extname(test.fileName)] ?? 'ts') : 'ts',
      }));
      bundle.onLoad({ filter: /.*/, namespace: 'request' }, ({ path }) => ({
        contents: `module.exports = require(${JSON.stringify(`import:${path}`)})`,
        loader: 'js',
      }));
    },
  };
}

interface Failure {
  errors: { text: string; location: { line: number } | null }[];
}

function isFailure(error: unknown): error is Failure {
  return (
    typeof error === 'object' && error !== null && 'errors' in error && Array.isArray(error.errors)
  );
}

function describe(error: unknown): string {
  const first = isFailure(error) ? error.errors[0] : undefined;
  if (!first) return error instanceof Error ? error.message : String(error);
  return first.location ? `line ${first.location.line}: ${first.text}` : first.text;
}

/**
 * Bundles a test file into the body of an async function of `require`.
 * @throws SourceError when it does not parse, is too large, or imports what is not there
 */
export async function bundleTest(
  subjectName: string,
  test: Source,
  modules: Modules = {},
): Promise<string> {
  if (Buffer.byteLength(test.source) > MAX_TEST_BYTES) {
    throw new SourceError(`The test file is larger than ${MAX_TEST_BYTES / 1024} KiB`);
  }
  let text: string;
  try {
    const result = await build({
      stdin: { contents: 'import "aqe:test"', resolveDir: '/', loader: 'js' },
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      supported: { 'dynamic-import': false },
      define: {
        'import.meta.env': 'process.env',
        'import.meta.url': '"file:///test"',
        'import.meta.dirname': '"/"',
        'import.meta.filename': '"/test"',
        'import.meta.vitest': 'undefined',
      },
      charset: 'utf8',
      logLevel: 'silent',
      tsconfigRaw: '{}',
      plugins: [resolver(subjectName, test, modules)],
    });
    text = result.outputFiles[0]?.text ?? '';
  } catch (error) {
    throw new SourceError(describe(error), { cause: error });
  }
  // esbuild copies a namespace when it imports one; vitest hands out the object itself, which can be spied on.
  return text.replace(/^var __toESM = /m, 'var __toESM = (module) => module, __copied = ');
}
