import { setTimeout as sleep } from 'node:timers/promises';
import type { ConfigFile } from '../../../src/config/schema.ts';
import { startLlamaServer } from '../../contracts/servers/llama-server.ts';
import { inFolder } from './folder.ts';
import { putUnderLoad, type Outcome } from './load.ts';
import { isHealthy, startGateway, type Gateway } from './process.ts';
import type { Scorecard } from './scorecard.ts';
import { startEchoServer, threeTiers, TIERS } from './tiers.ts';

const CONNECTIONS = 32;
/** Milliseconds of load with everybody there, with one tier gone, and after it is back. */
const PHASE_MS = 2500;
/** Above the deadlines of the configuration: who is not answered by then hangs. */
const LONGEST_MS = 20_000;

/** Kills every tier in turn under load, and a real server that answers. */
export async function killTiers(card: Scorecard): Promise<void> {
  await card.check('each of three tiers killed in turn under load', () =>
    inFolder(async (folder) => {
      const servers = await Promise.all(TIERS.map(() => startEchoServer(5)));
      try {
        const gateway = await startGateway({ folder, config: threeTiers(servers) });
        const words: string[] = [];
        for (const [index, server] of servers.entries()) {
          const name = TIERS[index] ?? '';
          // Asked by name as well, so that a tier that is seldom chosen is under load when it dies.
          const outcomes = await underLoad(gateway, async () => {
            await sleep(PHASE_MS);
            await server.kill();
            await sleep(PHASE_MS);
            await server.start();
            await sleep(PHASE_MS);
          });
          words.push(`without ${name} ${judge(outcomes)}`);
        }
        words.push(await onlyTheLastIsLeft(gateway, servers));
        if (!(await isHealthy(gateway))) throw new Error('the gateway is not healthy any more');
        await gateway.stop();
        return words.join('; ');
      } finally {
        for (const server of servers) await server.kill();
      }
    }),
  );
  const binary = process.env['AQE_LLM_TEST_LLAMA_SERVER'];
  const model = process.env['AQE_LLM_TEST_MODEL'];
  const name = 'a real llama-server killed under load';
  if (!binary || !model) {
    card.skip(name, 'AQE_LLM_TEST_LLAMA_SERVER or AQE_LLM_TEST_MODEL is not set');
  } else {
    await card.check(name, () => inFolder((folder) => killRealServer(folder, binary, model)));
  }
}

async function onlyTheLastIsLeft(
  gateway: Gateway,
  servers: readonly { kill(): Promise<void> }[],
): Promise<string> {
  const outcomes = await underLoad(gateway, async () => {
    for (const server of servers.slice(0, -1)) await server.kill();
    await sleep(PHASE_MS);
  });
  const words = judge(outcomes);
  if (!outcomes.some(({ tier, state }) => state === 'whole' && tier === TIERS.at(-1))) {
    throw new Error(`nobody was answered by the last tier; ${words}`);
  }
  return `with ${TIERS.at(-1)} alone ${words}`;
}

/** What clients saw while something happened to the servers. */
async function underLoad(gateway: Gateway, happen: () => Promise<void>): Promise<Outcome[]> {
  const over = new AbortController();
  const { url } = gateway;
  const load = putUnderLoad({ url, connections: CONNECTIONS, signal: over.signal, pauseMs: 100 });
  await happen();
  over.abort();
  return load;
}

/** @throws Error where an answer was wrong, a request hung or nobody else answered */
function judge(outcomes: readonly Outcome[]): string {
  const bad = outcomes.filter(({ state }) => state === 'wrong' || state === 'gone');
  const [first] = bad;
  if (first !== undefined) {
    throw new Error(`${bad.length} of ${outcomes.length} are ${first.state}: ${first.detail}`);
  }
  const longest = Math.max(...outcomes.map(({ ms }) => ms));
  if (longest > LONGEST_MS) throw new Error(`a request took ${longest.toFixed(0)} ms`);
  const whole = outcomes.filter(({ state }) => state === 'whole');
  const told = outcomes.filter(({ state }) => state === 'told');
  // A whole answer has not begun before it is there: somebody else can always give it.
  const untold = told.find(({ stream }) => !stream);
  if (untold !== undefined) throw new Error(`a whole answer failed: ${untold.detail}`);
  const tiers = TIERS.map((tier) => whole.filter((it) => it.tier === tier).length);
  return `${whole.length} right (${tiers.join('/')} by tier), ${told.length} streams cut and told, longest ${longest.toFixed(0)} ms`;
}

/** The direct tier is a real server; the cloud behind it answers when it is gone. */
async function killRealServer(folder: string, binary: string, model: string): Promise<string> {
  const real = await startLlamaServer(binary, model, 'real');
  const echo = await startEchoServer(5);
  try {
    const base = threeTiers([echo, echo, echo]);
    const config: ConfigFile = {
      ...base,
      servers: { ...base.servers, real: { kind: 'openai-compatible', url: real.url } },
      tiers: { orchestrated: 'real:real', direct: 'real:real', cloud: base.tiers?.cloud },
      routing: { ...base.routing, maxTokens: 16, failoverMs: 15_000 },
    };
    const gateway = await startGateway({ folder, config });
    const over = new AbortController();
    const load = putUnderLoad({
      url: gateway.url,
      connections: 4,
      signal: over.signal,
      pauseMs: 100,
    });
    await sleep(2 * PHASE_MS);
    const killedAt = performance.now();
    await real.kill();
    await sleep(2 * PHASE_MS);
    over.abort();
    const outcomes = await load;
    await gateway.stop();
    const byReal = outcomes.filter(({ tier }) => tier !== undefined && tier !== 'cloud').length;
    const later = outcomes.filter(({ startedAt }) => startedAt > killedAt);
    const wrong = later.find(
      ({ state, stream }) => state !== 'whole' && !(stream && state === 'told'),
    );
    if (wrong !== undefined) throw new Error(`afterwards ${wrong.state}: ${wrong.detail}`);
    const late = outcomes.find(({ ms }) => ms > LONGEST_MS);
    if (late !== undefined) throw new Error(`a request took ${late.ms.toFixed(0)} ms`);
    if (byReal === 0 || later.length === 0) throw new Error('the server was not under load');
    return `${byReal} answered by it before, ${later.length} by the cloud afterwards`;
  } finally {
    await real.stop();
    await echo.kill();
  }
}
