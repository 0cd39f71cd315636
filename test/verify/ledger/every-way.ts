import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConfigFile } from '../../../src/config/schema.ts';
import {
  costReportSchema,
  DIMENSIONS,
  type CostReport,
} from '../../../src/ledger/report/result.ts';
import { inFolder } from '../gateway/folder.ts';
import { startGateway } from '../gateway/process.ts';
import { startCountingServer, type CountingServer, type Served } from './counting-server.ts';
import {
  askAll,
  askInBatch,
  askShadowed,
  CLAUDE,
  embed,
  LOCAL,
  runBin,
  SHADOWED,
} from './fleet.ts';
import { apart, differences, recount } from './recount.ts';

const ROUNDS = 6;
const BESIDE = 12;
const EMBEDDED = 5;
const BATCHED = 7;
const ENV = { LOOPBACK_KEY: 'opens-nothing' };
const SETTLE_MS = 15_000;
const LADDER = [
  { name: 'shadow', serve: 0, compare: 100, pairs: 100, requests: 100, days: 7 },
  { name: 'most', serve: 80, compare: 1, pairs: 100, requests: 100, days: 7 },
];
// None is dropped for want of room.
const PLAN = { steps: LADDER, shadow: { concurrency: BESIDE, timeoutMs: 60_000 } };

/**
 * A gateway is asked in every way, and the model server keeps books of its own: what `cost-report`
 * prints has to be what these add up to, class of tokens by class, to the billionth of a dollar.
 */
export async function everyWay(out: (line: string) => void): Promise<boolean> {
  const server = await startCountingServer();
  try {
    return await inFolder(async (folder) => {
      await drive(folder, server);
      const problems = await compare(folder, server, out);
      for (const problem of problems.slice(0, 20)) out(problem);
      return problems.length === 0;
    });
  } finally {
    await server.close();
  }
}

async function drive(folder: string, server: CountingServer): Promise<void> {
  const cloud = `anthropic:${CLAUDE}`;
  const config: ConfigFile = {
    state: 'state',
    servers: {
      farm: { kind: 'openai-compatible', url: server.url },
      anthropic: { kind: 'anthropic', url: server.url, apiKeyEnv: 'LOOPBACK_KEY' },
    },
    tiers: { direct: `farm:${LOCAL}`, cloud },
    // What fails here fails on purpose, and is to be asked on.
    breaker: { failures: 1_000_000 },
  };
  const gateway = await startGateway({ folder, config, env: ENV });
  try {
    await askAll(gateway, ROUNDS, (prompt) => server.served.some((one) => one.prompt === prompt));
    await embed(gateway, EMBEDDED);
    await writeFile(path.join(folder, 'plan.json'), JSON.stringify(PLAN));
    await runBin(['rollout', 'start', 'plan.json', '--reason', 'a proof'], folder, ENV);
    await sleep(1000);
    await askShadowed(gateway, BESIDE);
    const giveUp = performance.now() + SETTLE_MS;
    while (server.served.filter(isShadow).length < BESIDE && performance.now() < giveUp)
      await sleep(50);
  } finally {
    await gateway.stop();
  }
  const alone = { ...config, tiers: { cloud } };
  await writeFile(path.join(folder, 'batch.config.json'), JSON.stringify(alone));
  await askInBatch(folder, BATCHED, ENV);
}

function isShadow({ model, prompt }: Served): boolean {
  return model === LOCAL && prompt.startsWith(SHADOWED);
}

/** For what the server's requests were made, from the prompts alone: who asks again, asks the same. */
function purposesOf(served: readonly Served[]): Record<string, number> {
  const shadow = served.filter(isShadow).length;
  const embedding = served.filter(({ kind }) => kind === 'embedding').length;
  const asked = served.filter((one) => one.kind !== 'embedding' && !isShadow(one));
  const answer = new Set(asked.map(({ prompt }) => prompt)).size;
  return { answer, retry: asked.length - answer, shadow, embedding };
}

async function compare(
  folder: string,
  { served }: CountingServer,
  out: (line: string) => void,
): Promise<string[]> {
  const report = async (...by: string[]): Promise<CostReport> => {
    const args = ['cost-report', '--json', ...by.flatMap((name) => ['--by', name])];
    return costReportSchema.parse(JSON.parse(await runBin(args, folder, ENV)));
  };
  const byModel = await report('model');
  const problems = [CLAUDE, LOCAL].flatMap((model) =>
    differences(
      model,
      byModel.rows.find(({ key }) => key.model?.endsWith(`:${model}`)),
      served.filter((one) => one.model === model),
    ),
  );
  problems.push(...differences('all', byModel.total, served));
  for (const dimension of DIMENSIONS) problems.push(...apart(await report(dimension)));
  const told = new Map(byModel.split.purpose.map(({ name, attempts }) => [name, attempts]));
  const purposes = purposesOf(served);
  for (const [purpose, expected] of Object.entries(purposes)) {
    const count = told.get(purpose) ?? 0;
    if (count !== expected) problems.push(`${purpose}: ${count}, the server counted ${expected}`);
  }
  const how = (of: Served['how']): number => served.filter((one) => one.how === of).length;
  const batched = served.filter(({ kind }) => kind === 'batch').length;
  out(
    `${served.length} requests reached the server: ${how('whole')} whole (${batched} in a batch), ${how('refused')} refused, ${how('broken')} broken off, ${how('left')} left by the client; ${purposes['retry']} retries, ${purposes['shadow']} shadows, ${purposes['embedding']} embeddings`,
  );
  out(
    `cost-report says $${byModel.total.usd.toFixed(6)} for ${byModel.total.attempts} attempts, the server's books $${recount(served).usd.toFixed(6)} for ${served.length}: ${problems.length === 0 ? 'equal in every class of tokens' : 'FAIL'}`,
  );
  // Would it be seen? One request less in the books.
  const short = served.slice(1);
  const unseen = differences('control', byModel.total, short).length === 0;
  out(`control, books that lack one request: ${unseen ? 'NOT SEEN' : 'seen'}`);
  if (unseen) problems.push('the control was not seen');
  return problems;
}
