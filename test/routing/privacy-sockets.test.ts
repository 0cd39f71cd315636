import diagnostics from 'node:diagnostics_channel';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import type { RouteRequest } from '../../src/routing/decision.ts';
import type { Router } from '../../src/routing/router.ts';
import { createRuntime } from '../../src/runtime.ts';
import { freePort, listen } from '../contracts/loopback.ts';
import { DIALECTS, PIECES, type Dialect } from '../verify/dialects.ts';

/** Ways in which every local server fails. */
const FAILURES: Record<string, RequestListener | 'refuses'> = {
  refuse: 'refuses',
  hang: (request) => void request.resume(),
  'answer 500': (_, response) => void response.writeHead(500).end('{"error":"broken"}'),
  'cut their streams': (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(': soon\n\n', () => response.destroy());
  },
};

/** Ways in which a prompt is private. */
const PRIVATE: Record<string, { routing: object; request: Partial<RouteRequest> }> = {
  'the strategy is privacy-first': { routing: { strategy: 'privacy-first' }, request: {} },
  'the request is private': { routing: {}, request: { private: true } },
  'the request is private and the cloud is for emergencies': {
    routing: { cloud: 'emergency-only', emergency: { localFailures: 1 } },
    request: { private: true },
  },
};

const CLOUDS = DIALECTS.filter(({ name }) => name !== 'ollama');
const REQUEST: RouteRequest = { messages: [{ role: 'user', content: 'A secret.' }], maxTokens: 8 };
/** So often that breakers open and emergencies are triggered. */
const TIMES = 2;

interface Watched {
  port: number;
  url: string;
  connections: () => number;
}

async function startServer(answer: RequestListener): Promise<Watched> {
  let connections = 0;
  const server = createServer(answer).on('connection', () => (connections += 1));
  const listening = await listen(server);
  onTestFinished(() => listening.close());
  const { url } = listening;
  return { port: Number(new URL(url).port), url, connections: () => connections };
}

/** A cloud that answers whatever it is asked. */
function startCloud(dialect: Dialect): Promise<Watched> {
  return startServer((request, response) => {
    request.resume();
    const whole = [
      dialect.begin(true),
      ...PIECES.map((piece) => dialect.text(piece)),
      dialect.end('once'),
    ].join('');
    if (request.url === dialect.path) {
      response.writeHead(200, { 'content-type': dialect.contentType }).end(whole);
    } else {
      const facts = dialect.facts[request.url ?? ''];
      response.writeHead(facts === undefined ? 404 : 200).end(JSON.stringify(facts ?? {}));
    }
  });
}

async function startLocal(failure: RequestListener | 'refuses'): Promise<Watched> {
  if (failure !== 'refuses') return startServer(failure);
  const port = await freePort();
  return { port, url: `http://127.0.0.1:${port}`, connections: () => 0 };
}

/** Ports that this process tries to connect to from now on, as its HTTP client and its sockets tell. */
function watchConnections(): { byClient: Set<number>; bySocket: Set<number> } {
  const byClient = new Set<number>();
  const bySocket = new Set<number>();
  const onClient = (message: unknown): void => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as the channel documents it
    byClient.add(Number((message as { connectParams: { port: string } }).connectParams.port));
  };
  const onSocket = (message: unknown): void => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as the channel documents it
    const { socket } = message as { socket: Socket };
    socket.on('connectionAttempt', (_ip: string, port: number) => bySocket.add(port));
  };
  diagnostics.subscribe('undici:client:beforeConnect', onClient);
  diagnostics.subscribe('net.client.socket', onSocket);
  onTestFinished(() => {
    diagnostics.unsubscribe('undici:client:beforeConnect', onClient);
    diagnostics.unsubscribe('net.client.socket', onSocket);
  });
  return { byClient, bySocket };
}

interface Servers {
  orchestrated: Watched;
  direct: Watched;
  /** A server on this machine that passes on what it is told. */
  relay: Watched;
  cloud: Watched;
  cloudKind: string;
}

async function openRouter(servers: Servers, routing: object): Promise<Router> {
  const cwd = await mkdtemp(path.join(tmpdir(), 'aqe-privacy-'));
  const config = {
    servers: {
      orchestrated: { kind: 'openai-compatible', url: servers.orchestrated.url },
      direct: { kind: 'ollama', url: servers.direct.url },
      relay: { kind: 'openai-compatible', url: servers.relay.url, private: false },
      cloud: { kind: servers.cloudKind, url: servers.cloud.url },
    },
    tiers: {
      orchestrated: 'orchestrated:some-model',
      direct: { simple: 'direct:some-model', complex: 'relay:some-model' },
      cloud: 'cloud:some-model',
    },
    routing: { failoverMs: 200, ...routing },
    deadlines: { connectMs: 500, firstTokenMs: 1000, idleMs: 1000, totalMs: 3000 },
  };
  await writeFile(path.join(cwd, 'aqe-llm.config.json'), JSON.stringify(config));
  const env = { ANTHROPIC_API_KEY: 'none' };
  const runtime = await createRuntime({ cwd, env, flags: {} });
  const router = await runtime.openRouter({ onEvent: () => {} });
  onTestFinished(async () => {
    await router.close();
    await rm(cwd, { recursive: true, force: true });
  });
  return router;
}

async function textOf(router: Router, request: RouteRequest): Promise<string> {
  let text = '';
  for await (const event of router.stream(request)) if (event.type === 'text') text += event.text;
  return text;
}

/** Asks in every way there is; returns how often an answer came. */
async function askEverything(router: Router, request: RouteRequest): Promise<number> {
  const named = { ...request, model: 'cloud:some-model' };
  const ways = [
    () => router.complete(request),
    () => textOf(router, request),
    () => router.complete(named),
    () => textOf(router, named),
    () => router.complete({ ...request, session: 'a-session', complexity: 'complex' }),
    () => router.explain(request),
    () => router.models(),
    () => router.embed(['A secret.']),
  ];
  const answers = new Set([0, 1, 2, 3, 4]);
  let answered = 0;
  for (let time = 0; time < TIMES; time++) {
    for (const [index, ask] of ways.entries()) {
      try {
        await ask();
        if (answers.has(index)) answered += 1;
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        expect(error.code).toMatch(/^(provider|route)\./);
      }
    }
  }
  return answered;
}

describe.each(CLOUDS)('a cloud that speaks as $name', (dialect) => {
  describe.each(Object.entries(FAILURES))('while all local servers %s', (_, failure) => {
    async function startServers(): Promise<Servers> {
      return {
        orchestrated: await startLocal(failure),
        direct: await startLocal(failure),
        relay: await startCloud(CLOUDS[0] ?? dialect),
        cloud: await startCloud(dialect),
        cloudKind: dialect.name,
      };
    }

    it.each(Object.entries(PRIVATE))('is never connected to when %s', async (_name, way) => {
      const servers = await startServers();
      const watched = watchConnections();
      const router = await openRouter(servers, way.routing);
      expect(await askEverything(router, { ...REQUEST, ...way.request })).toBe(0);

      for (const outside of [servers.cloud, servers.relay]) {
        expect(outside.connections()).toBe(0);
        expect(watched.byClient).not.toContain(outside.port);
        expect(watched.bySocket).not.toContain(outside.port);
      }
      // The local ones were asked, and whoever watches saw it.
      for (const local of [servers.orchestrated, servers.direct]) {
        expect(watched.byClient).toContain(local.port);
        expect(watched.bySocket).toContain(local.port);
      }
    });

    it('is connected to when nothing is private', async () => {
      const servers = await startServers();
      const watched = watchConnections();
      const router = await openRouter(servers, {});
      const { completion, tier } = await router.complete({ ...REQUEST, model: 'cloud:some-model' });
      expect({ text: completion.text, tier }).toEqual({ text: PIECES.join(''), tier: 'cloud' });
      expect(await askEverything(router, REQUEST)).toBeGreaterThan(0);

      for (const outside of [servers.cloud, servers.relay]) {
        expect(outside.connections()).toBeGreaterThan(0);
        expect(watched.byClient).toContain(outside.port);
        expect(watched.bySocket).toContain(outside.port);
      }
    });
  });
});
