import { run as agentdb } from './agentdb.ts';
import { run as badAnswers } from './bad-answers.ts';
import { run as clients } from './clients.ts';
import { run as dataset } from './dataset.ts';
import { run as durability } from './durability.ts';
import { run as faults } from './faults.ts';
import { run as gatewayFaults } from './gateway-faults.ts';
import { run as grading } from './grading.ts';
import { run as intervals } from './intervals.ts';
import { run as ledger } from './ledger.ts';
import { run as rolloutKill } from './rollout-kill.ts';
import { run as rolloutReal } from './rollout-real.ts';
import { run as rolloutSimulation } from './rollout-simulation.ts';
import { run as runner } from './runner.ts';
import { run as servers } from './servers.ts';
import { run as threeModels } from './three-models.ts';
import { run as truth } from './truth.ts';
import { run as variations } from './variations.ts';

/** Proofs too slow for every test run: `npm run verify -- <name …>`, all of them without a name. */
const PROOFS: Record<string, (out: (line: string) => void) => Promise<boolean>> = {
  runner,
  'bad-answers': badAnswers,
  grading,
  intervals,
  faults,
  ledger,
  durability,
  dataset,
  agentdb,
  clients,
  'gateway-faults': gatewayFaults,
  'rollout-simulation': rolloutSimulation,
  'rollout-kill': rolloutKill,
  'rollout-real': rolloutReal,
  servers,
  'three-models': threeModels,
  truth,
  variations,
};

const out = (line: string): void => void process.stdout.write(`${line}\n`);
const names = process.argv.slice(2);
const unknown = names.filter((name) => PROOFS[name] === undefined);
if (unknown.length > 0) {
  out(`There is no proof called ${unknown.join(', ')}. Known: ${Object.keys(PROOFS).join(', ')}`);
  process.exit(2);
}
let held = true;
for (const [name, proof] of Object.entries(PROOFS)) {
  if (names.length > 0 && !names.includes(name)) continue;
  out(`== ${name}`);
  held = (await proof(out)) && held;
}
process.exit(held ? 0 : 1);
