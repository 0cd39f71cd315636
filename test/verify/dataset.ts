import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const BIN = fileURLToPath(new URL('../../bin/aqe-llm.js', import.meta.url));
const PATTERNS = fileURLToPath(
  new URL('../../fixtures/patterns/qe-patterns.jsonl', import.meta.url),
);

const PROGRAM = `
import json, sys
from datasets import load_dataset
loaded = load_dataset(sys.argv[1])
print(json.dumps({
  'rows': {name: len(split) for name, split in loaded.items()},
  'features': {name: str(feature) for name, feature in loaded['train'].features.items()},
  'roles': sorted({tuple(message['role'] for message in row['messages']) for split in loaded.values() for row in split}),
  'groups': {name: sorted(set(split['group'])) for name, split in loaded.items()},
}))
`;
const loadedSchema = z.object({
  rows: z.record(z.string(), z.int()),
  features: z.record(z.string(), z.string()),
  roles: z.array(z.array(z.string())),
  groups: z.record(z.string(), z.array(z.string())),
});
const exportedSchema = z.object({ rows: z.int(), splits: z.record(z.string(), z.int()) });

const TEXT = "Value('string')";
const FEATURES = {
  id: TEXT,
  messages: "List({'role': Value('string'), 'content': Value('string')})",
  category: TEXT,
  group: TEXT,
  confidence: "Value('float64')",
  uses: "Value('int32')",
  verified: TEXT,
  target: TEXT,
};

/**
 * Exports a data set and has Python's `datasets` load it: features, counts, and no group on two
 * sides. AQE_LLM_TEST_PYTHON names a Python that has it; otherwise it is installed for this run.
 */
export async function run(out: (line: string) => void): Promise<boolean> {
  const folder = await mkdtemp(path.join(tmpdir(), 'aqe-dataset-'));
  const command = (program: string, args: readonly string[]): string => {
    const env = { ...process.env, HF_HOME: path.join(folder, 'hf'), HF_HUB_OFFLINE: '1' };
    const { status, stdout, stderr } = spawnSync(program, args, {
      cwd: folder,
      env,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`${program} ${args.join(' ')}\n${stdout}\n${stderr}`);
    return stdout;
  };
  const cli = (...args: string[]): string => command(process.execPath, [BIN, 'curate', ...args]);
  try {
    cli('import', PATTERNS);
    const exported = exportedSchema.parse(
      JSON.parse(cli('export', 'set', '--format', 'huggingface', '--json')),
    );
    let python = process.env['AQE_LLM_TEST_PYTHON'];
    if (python === undefined) {
      out('Installing datasets from PyPI …');
      command('python3', ['-m', 'venv', 'venv']);
      python = path.join(folder, 'venv', 'bin', 'python');
      command(python, ['-m', 'pip', 'install', '--quiet', 'datasets']);
    }
    const loaded = loadedSchema.parse(JSON.parse(command(python, ['-c', PROGRAM, 'set'])));
    const groups = Object.values(loaded.groups).flat();
    const checks: [string, unknown, unknown][] = [
      ['features', loaded.features, FEATURES],
      ['rows of each split', loaded.rows, exported.splits],
      ['roles', loaded.roles, [['user', 'assistant']]],
      ['groups on two sides', groups.length - new Set(groups).size, 0],
    ];
    let held = true;
    for (const [name, found, wanted] of checks) {
      const isSame = JSON.stringify(found) === JSON.stringify(wanted);
      held &&= isSame;
      out(`${isSame ? 'ok  ' : 'FAIL'} ${name}: ${JSON.stringify(found)}`);
    }
    return held;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
