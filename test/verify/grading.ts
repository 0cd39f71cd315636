import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { spawnCli } from '../cli/run-cli.ts';

/** Two machines as far as one can stand for them: place, time zone, language and work beside. */
const MACHINES = [
  { name: 'one', env: { TZ: 'UTC', LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8' }, together: false },
  {
    name: 'the other, whose folders have long names',
    env: { TZ: 'Pacific/Chatham', LANG: 'tr_TR.UTF-8', LC_ALL: undefined, COLUMNS: '40' },
    together: true,
  },
];
const SIDES = ['replay:gold', 'replay:empty'];

const reportSchema = z.object({
  candidates: z.array(z.object({ id: z.string(), tasks: z.array(z.unknown()) })),
});
const scoredSchema = z.object({ id: z.string(), state: z.literal('graded'), score: z.number() });

/**
 * Grades the written and the empty answers to the whole built-in suite on two machines: all scores,
 * parts and evidence are equal, byte for byte. The second grades both sides at the same time as another
 * process does so.
 */
export async function run(out: (line: string) => void): Promise<boolean> {
  const folder = await mkdtemp(path.join(tmpdir(), 'aqe-determinism-'));
  try {
    const grades: Map<string, string>[] = [];
    for (const { name, env, together } of MACHINES) {
      const place = path.join(folder, name);
      const beside = path.join(folder, 'beside');
      await Promise.all([place, beside].map((each) => mkdir(each, { recursive: true })));
      const [own] = await Promise.all([
        gradesAt(place, { ...env, TMPDIR: place }),
        ...(together ? [gradesAt(beside, {})] : []),
      ]);
      grades.push(own);
    }
    const [first, second] = grades;
    if (first === undefined || second === undefined) return false;
    const different = [...first].filter(([key, grade]) => second.get(key) !== grade);
    for (const [key, grade] of different) {
      out(`${key}\n  ${grade}\n  ${second.get(key) ?? 'absent'}`);
    }
    const bytes = [...first.values()].reduce((sum, grade) => sum + grade.length, 0);
    out(`${first.size} grades, ${bytes} characters: ${different.length} differ`);
    return different.length === 0 && first.size === second.size && first.size > 0;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Scores, parts and evidence of each answer, as JSON. */
async function gradesAt(
  cwd: string,
  env: Record<string, string | undefined>,
): Promise<Map<string, string>> {
  const sides = SIDES.flatMap((side) => ['--candidate', side]);
  const spawned = spawnCli(['baseline', ...sides, '--json', '--answers'], { cwd, env });
  const code = await spawned.ended;
  // The empty answers fail, as they must.
  if (code !== 1) throw new Error(`exit code ${code}: ${spawned.stderr()}`);
  const { candidates } = reportSchema.parse(JSON.parse(spawned.stdout()));
  return new Map(
    candidates.flatMap(({ id, tasks }) =>
      tasks.map((task) => [`${id} ${scoredSchema.parse(task).id}`, JSON.stringify(task)] as const),
    ),
  );
}
