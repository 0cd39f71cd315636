import { setTimeout as sleep } from 'node:timers/promises';
import { seededIndex } from '../../../src/core/random.ts';
import { createLedger } from '../../../src/ledger/sqlite-ledger.ts';
import { openDatabase } from '../../../src/storage/database.ts';
import { inFolder } from './folder.ts';
import { putUnderLoad, type Outcome } from './load.ts';
import { startGateway } from './process.ts';
import type { Scorecard } from './scorecard.ts';
import { startEchoServer, threeTiers } from './tiers.ts';

const ROUNDS = 6;
const CONNECTIONS = 32;
const LEAST_MS = 400;
const MOST_MORE_MS = 900;

/** Kills the gateway under load, again and again over one database, and looks for what clients were told. */
export async function killGateway(card: Scorecard): Promise<void> {
  await card.check(`${ROUNDS} kills of the gateway with ${CONNECTIONS} connections`, () =>
    inFolder(async (folder) => {
      const server = await startEchoServer(5);
      try {
        const outcomes: Outcome[] = [];
        const config = threeTiers([server, server, server]);
        const random = seededIndex(20_261_124);
        for (let round = 0; round < ROUNDS; round++) {
          const gateway = await startGateway({ folder, config });
          const over = new AbortController();
          const load = putUnderLoad({
            url: gateway.url,
            connections: CONNECTIONS,
            signal: over.signal,
          });
          await sleep(LEAST_MS + random(MOST_MORE_MS));
          await gateway.kill();
          over.abort();
          outcomes.push(...(await load));
        }
        // Whoever starts next over the database finds what was left running.
        const last = await startGateway({ folder, config });
        const words = compare(outcomes, last.state);
        await last.stop();
        return words;
      } finally {
        await server.kill();
      }
    }),
  );
}

/** @throws Error where the ledger lacks something that a client was told */
function compare(outcomes: readonly Outcome[], state: string): string {
  const database = openDatabase(state);
  try {
    const ledger = createLedger(database);
    const known = outcomes.filter(({ requestId }) => requestId !== undefined);
    const problems: string[] = [];
    for (const outcome of outcomes) {
      if (outcome.state === 'wrong') problems.push(`${outcome.detail}`);
      if (outcome.state === 'whole' && outcome.requestId === undefined) {
        problems.push('an answer came without x-aqe-request-id');
      }
    }
    for (const { requestId = '', state: became } of known) {
      const recorded = ledger.find(requestId);
      if (recorded === undefined) problems.push(`${requestId} is lost`);
      else if (became === 'whole' && recorded.state !== 'answered') {
        problems.push(`${requestId} was answered and is recorded as ${recorded.state}`);
      } else if (became === 'whole' && recorded.attempts.length === 0) {
        problems.push(`the attempts of ${requestId} are lost`);
      } else if (recorded.state === 'running') problems.push(`${requestId} still runs`);
    }
    const running = ledger.history({ states: ['running'], limit: 1000 }).length;
    if (running > 0) problems.push(`${running} requests still run`);
    const integrity = database.pragma('integrity_check', { simple: true });
    if (integrity !== 'ok') problems.push(`integrity check: ${String(integrity)}`);
    const interrupted = ledger.history({ states: ['interrupted'], limit: 10_000 }).length;
    if (interrupted === 0) problems.push('nothing was interrupted: the kills hit nothing');
    const [first] = problems;
    if (first !== undefined) throw new Error(`${problems.length} problems, the first: ${first}`);
    const whole = outcomes.filter((it) => it.state === 'whole').length;
    return `${outcomes.length} requests, ${whole} answered, ${known.length} known by id and all recorded, ${interrupted} interrupted`;
  } finally {
    database.close();
  }
}
