import { openDatabase } from '../../src/storage/database.ts';
import { createCircuitBreaker } from '../../src/routing/circuit-breaker.ts';
import { machineClock } from '../providers/embedded/processes.ts';

/** A process of its own: takes the probe of a breaker, says so, and never gives it back. */
const [folder = '', id = '', settings = '{}'] = process.argv.slice(2);
const breaker = createCircuitBreaker({
  database: openDatabase(folder),
  id,
  settings: JSON.parse(settings),
  clock: machineClock,
});
process.stdout.write(`${JSON.stringify(breaker.admit())}\n`);
setInterval(() => {}, 1000);
