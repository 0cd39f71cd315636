import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawnCli } from '../cli/run-cli.ts';

const SUITE = fileURLToPath(new URL('../../fixtures/suites/qe-100', import.meta.url));
/** Of the built-in suite. */
const TASKS = 100;

/**
 * Measures the whole built-in suite anew, from nothing, and compares each `measured.json` with the one
 * that the repository holds, byte for byte: coverage, mutants and equivalents, reruns and histories,
 * defects.
 */
export async function run(out: (line: string) => void): Promise<boolean> {
  const folder = await mkdtemp(path.join(tmpdir(), 'aqe-truth-'));
  try {
    const copy = path.join(folder, 'suite');
    await cp(SUITE, copy, { recursive: true });
    const all = await readdir(copy, { recursive: true });
    const files = all.filter((file) => path.basename(file) === 'measured.json');
    await Promise.all(files.map((file) => rm(path.join(copy, file))));
    const spawned = spawnCli(['baseline', 'suite', 'build', copy], { cwd: folder, env: {} });
    const code = await spawned.ended;
    if (code !== 0) {
      out(`suite build ended with ${code}:\n${spawned.stderr()}`);
      return false;
    }
    let different = 0;
    for (const file of files.toSorted()) {
      const [held, measured] = await Promise.all(
        [SUITE, copy].map((suite) => readFile(path.join(suite, file), 'utf8')),
      );
      if (held === measured) continue;
      different += 1;
      out(`${file}: measured anew, it is another`);
    }
    out(`${files.length} tasks measured anew: ${different} differ`);
    return different === 0 && files.length === TASKS;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
