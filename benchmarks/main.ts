import { run as abort } from './abort.ts';
import { run as batch } from './batch.ts';
import { run as cache } from './cache.ts';
import { run as decision } from './decision.ts';
import { run as dedupe } from './dedupe.ts';
import { run as describe } from './describe.ts';
import { run as engineSpeed } from './engine-speed.ts';
import { run as gateway } from './gateway.ts';
import { run as grading } from './grading.ts';
import { run as ledger } from './ledger.ts';
import { run as mutants } from './mutants.ts';
import { run as patterns } from './patterns.ts';
import { run as providerOverhead } from './provider-overhead.ts';
import { run as rollout } from './rollout.ts';
import { run as session } from './session.ts';
import { run as start } from './start.ts';
import { run as telemetry } from './telemetry.ts';
import { run as validate } from './validate.ts';

/** Each prints ours beside its control, measured in the same run: `npm run bench -- <name …>`. */
const BENCHMARKS: Record<string, (out: (line: string) => void) => Promise<unknown>> = {
  start,
  grading,
  mutants,
  ledger,
  cache,
  dedupe,
  describe,
  decision,
  gateway,
  batch,
  abort,
  patterns,
  'engine-speed': engineSpeed,
  'provider-overhead': providerOverhead,
  rollout,
  session,
  telemetry,
  validate,
};

const out = (line: string): void => void process.stdout.write(`${line}\n`);
const names = process.argv.slice(2);
const unknown = names.filter((name) => BENCHMARKS[name] === undefined);
if (unknown.length > 0) {
  out(
    `There is no benchmark called ${unknown.join(', ')}. Known: ${Object.keys(BENCHMARKS).join(', ')}`,
  );
  process.exit(2);
}
for (const [name, benchmark] of Object.entries(BENCHMARKS)) {
  if (names.length > 0 && !names.includes(name)) continue;
  out(`== ${name}`);
  await benchmark(out);
}
