/**
 * Writes patterns into a state folder and says on standard output what it is about to do and when
 * it is done, until it is killed or has done `most` things. Arguments: folder, name, seed, most,
 * and `early` to say done before doing.
 */
import { writeSync } from 'node:fs';
import { seededIndex } from '../../src/core/random.ts';
import { createSqliteStore } from '../../src/patterns/sqlite-store.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { patternAt, SPACE, vectorAt } from './samples.ts';

const [folder = '', name = '', seed = '0', most = '0', when = 'after'] = process.argv.slice(2);
const random = seededIndex(Number(seed));
const store = createSqliteStore({
  database: openDatabase(folder),
  folder,
  onTrouble: (message) => process.stderr.write(`${message}\n`),
});
const mine: string[] = [];
let next = 0;

const say = (line: unknown): void => void writeSync(1, `${JSON.stringify(line)}\n`);

function add(): void {
  const batch = Array.from({ length: 1 + random(60) }, () => {
    next += 1;
    return patternAt(Number(seed) * 10_000 + next, { id: `${name}-${next}` });
  });
  const ids = batch.map(({ pattern }) => pattern.id);
  act({ op: 'add', ids }, () => store.add(batch, SPACE));
  mine.push(...ids);
}

function edit(id: string): void {
  const uses = 1 + random(1_000_000);
  const vector = random(2) === 0 ? vectorAt(random(1000)) : undefined;
  act({ op: 'update', id, uses }, () =>
    store.update(id, (pattern) => ({ ...pattern, uses }), vector),
  );
}

function act(what: object, work: () => unknown): void {
  say({ say: 'will', ...what });
  if (when === 'early') {
    say({ say: 'done' });
    // Long enough to be killed in.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  }
  work();
  if (when !== 'early') say({ say: 'done' });
}

for (let done = 0; done < Number(most); done++) {
  const kind = random(10);
  const some = mine[random(Math.max(1, mine.length))];
  if (kind < 5 || some === undefined) add();
  else if (kind < 7) edit(some);
  else if (kind < 8) {
    act({ op: 'remove', id: some }, () => store.remove(some));
    mine.splice(mine.indexOf(some), 1);
  } else if (kind < 9) await store.settle();
  else await store.search(vectorAt(random(1000)), 5);
}
await store.close();
