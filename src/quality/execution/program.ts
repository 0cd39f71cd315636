import { build, type BuildOptions } from 'esbuild';
import { fileURLToPath } from 'node:url';

/** The files of the program that runs in the sandbox. */
export interface Program {
  files: Readonly<Record<string, string>>;
  entry: string;
}

/** `driver` measures tests, `rerun-driver` repeats them. */
type ProgramName = 'driver' | 'rerun-driver';

async function bundle(relative: string, options: BuildOptions): Promise<string> {
  // The same module lies beside this one in the sources and in the build.
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  const result = await build({
    entryPoints: [fileURLToPath(new URL(`${relative}${extension}`, import.meta.url))],
    bundle: true,
    write: false,
    minifySyntax: true,
    minifyWhitespace: true,
    target: 'node20',
    logLevel: 'silent',
    tsconfigRaw: '{}',
    ...options,
  });
  return result.outputFiles?.[0]?.text ?? '';
}

async function buildProgram(name: ProgramName): Promise<Program> {
  const [driver, realm, runner] = await Promise.all([
    bundle(`./driver/${name}`, { platform: 'node', format: 'cjs' }),
    bundle('./realm/realm', {
      platform: 'neutral',
      mainFields: ['module', 'main'],
      // Asked for inside try; all but `util` are refused.
      external: ['util', 'timers', 'timers/promises', 'perf_hooks'],
      format: 'iife',
      globalName: 'face',
    }),
    bundle('./driver/runner-face', {
      platform: 'neutral',
      mainFields: ['module', 'main'],
      format: 'iife',
      globalName: 'face',
      // Its clock is the driver's, whatever tests do to theirs.
      define: { globalThis: 'scope' },
    }),
  ]);
  return {
    entry: 'driver.cjs',
    files: {
      'driver.cjs': driver,
      'realm.js': `(function (host, require) {\n${realm}\nreturn face.createRealm(host);\n})`,
      'runner.js': `(function (scope, setTimeout, clearTimeout, Object) {\n${runner}\nreturn face;\n})`,
    },
  };
}

const built = new Map<ProgramName, Promise<Program>>();

/** A program, bundled once in the life of this process. */
export function loadProgram(name: ProgramName): Promise<Program> {
  const known = built.get(name);
  if (known !== undefined) return known;
  const building = buildProgram(name);
  built.set(name, building);
  return building;
}
