import { openDatabase } from '../../src/storage/database.ts';
import { createSessions } from '../../src/routing/sessions.ts';
import { machineClock } from '../providers/embedded/processes.ts';

/**
 * A process of its own that adds turns to a session, each of which says how long the session was
 * before it. With no turns to add it takes the session, says so, and never gives it back.
 */
const [folder = '', name = '', turns = '0'] = process.argv.slice(2);
const database = openDatabase(folder);
const sessions = createSessions({ database, clock: machineClock, sessionHours: 1, holder: name });
for (let number = 0; number < Number(turns); number += 1) {
  const turn = await sessions.open('shared');
  const question = [{ role: 'user' as const, content: `${turn.history.length} ${name}` }];
  // As long as a short answer takes, so that the other process comes meanwhile.
  await machineClock.sleep(2);
  turn.commit(question, {
    model: 'm',
    text: `answer to ${name}`,
    finishReason: 'stop',
    usage: {},
    timing: { measured: false },
  });
  turn.release();
}
if (turns === '0') {
  await sessions.open('shared');
  process.stdout.write('held\n');
  setInterval(() => {}, 1000);
}
