import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { CLIENT_DIALECTS, type ClientDialect } from './dialects.ts';
import { inFolder } from './folder.ts';
import { isHealthy, startGateway, type Gateway } from './process.ts';
import { within, type Scorecard } from './scorecard.ts';
import { startEchoServer, threeTiers } from './tiers.ts';

const MEGABYTE = 1024 * 1024;
const MAX_IN_FLIGHT = 16;
const CLIENTS = 3 * MAX_IN_FLIGHT;
/** Milliseconds until an error is there. */
const SOON_MS = 15_000;

/** What a client should not send, and how it might behave, in every dialect. */
export async function badInput(card: Scorecard): Promise<void> {
  await inFolder(async (folder) => {
    const server = await startEchoServer(20);
    const config = threeTiers([server, server, server]);
    const gateway = await startGateway({
      folder,
      config: { ...config, gateway: { maxInFlight: MAX_IN_FLIGHT } },
    });
    /** A check after which the gateway must be as well as before. */
    const check = (name: string, work: () => Promise<string | void>): Promise<unknown> =>
      card.check(name, async () => {
        const words = await within(SOON_MS, work());
        if (!gateway.isAlive()) throw new Error(`the gateway has ended:\n${gateway.log()}`);
        if (!(await isHealthy(gateway))) throw new Error('the gateway is not healthy any more');
        return words;
      });
    try {
      for (const dialect of CLIENT_DIALECTS) {
        await check(`${dialect.name}: a right request`, () => rightAnswer(gateway, dialect));
        for (const [name, { body, headers, path, status }] of Object.entries(bodies(dialect))) {
          await check(`${dialect.name}: ${name}`, async () => {
            const given = { method: 'POST', headers: { ...dialect.headers, ...headers }, body };
            await refused(gateway, dialect, path ?? dialect.path, given, status);
          });
        }
        await check(`${dialect.name}: values of wrong types`, async () => {
          for (const changes of dialect.wrong) await wrongType(gateway, dialect, changes);
          return `${dialect.wrong.length} kinds`;
        });
        await check(`${dialect.name}: more clients than it takes`, () => tooMany(gateway, dialect));
        await check(`${dialect.name}: clients that leave`, () => leavers(gateway, dialect));
        await check(`${dialect.name}: a body that breaks off`, () => halfClosed(gateway, dialect));
      }
      await check('no HTTP at all', () => noHttp(gateway));
      await check('clients that take nothing, and one beside them', () => slowReaders(gateway));
      await check('clients that send slowly, and one beside them', () => slowWriters(gateway));
      await card.check('stops when it is told to', async () => {
        const code = await within(SOON_MS, gateway.stop());
        if (code !== 0) throw new Error(`exit code ${code}`);
      });
    } finally {
      await gateway.kill();
      await server.kill();
    }
  });
}

interface Bad {
  body: string | Buffer;
  headers?: Record<string, string>;
  path?: string;
  /** Any of them. */
  status: readonly number[];
}

function bodies(dialect: ClientDialect): Record<string, Bad> {
  const body = (changes?: object): object => dialect.body(changes);
  const right = JSON.stringify(body());
  return {
    'no JSON': { body: '{"model": "auto", "messages": [', status: [400] },
    'an empty body': { body: '', status: [400] },
    'JSON that is no object': { body: '[1, 2]', status: [400] },
    null: { body: 'null', status: [400] },
    'nested without end': { body: '['.repeat(200_000), status: [400] },
    'no UTF-8': { body: Buffer.from([0x7b, 0xff, 0xfe, 0x22, 0x7d]), status: [400] },
    'an unknown model': {
      body: JSON.stringify(body({ model: 'no-such-model' })),
      status: [404],
    },
    'a prompt of 20 MB': {
      body: JSON.stringify(
        body({ messages: [{ role: 'user', content: 'a'.repeat(20 * MEGABYTE) }] }),
      ),
      status: [413],
    },
    'an option that there is not': {
      body: right,
      headers: { 'x-aqe-priority': 'now' },
      status: [400],
    },
  };
}

async function post(
  { url }: Gateway,
  dialect: ClientDialect,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(`${url}${dialect.path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...dialect.headers, ...headers },
    body: JSON.stringify(body),
  });
}

async function rightAnswer(gateway: Gateway, dialect: ClientDialect): Promise<void> {
  const content = `Say this again: ${crypto.randomUUID()}`;
  const answer = await post(
    gateway,
    dialect,
    dialect.body({ messages: [{ role: 'user', content }] }),
  );
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`status ${answer.status}: ${text.slice(0, 300)}`);
  const said = dialect.answer.parse(JSON.parse(text));
  if (said !== content) throw new Error(`asked for ${content}, got ${said}`);
}

/** @throws Error where the answer is no refusal in the client's dialect */
async function refused(
  { url }: Gateway,
  dialect: ClientDialect,
  path: string,
  given: RequestInit,
  statuses: readonly number[],
): Promise<void> {
  const answer = await fetch(`${url}${path}`, given);
  await judgeRefusal(answer.status, await answer.text(), dialect, statuses);
}

async function judgeRefusal(
  status: number,
  text: string,
  dialect: ClientDialect,
  statuses: readonly number[],
): Promise<void> {
  if (!statuses.includes(status)) throw new Error(`status ${status}: ${text.slice(0, 300)}`);
  const parsed = dialect.error.safeParse(jsonOf(text));
  if (!parsed.success) throw new Error(`not in its dialect: ${text.slice(0, 300)}`);
}

async function wrongType(gateway: Gateway, dialect: ClientDialect, changes: object): Promise<void> {
  const answer = await post(gateway, dialect, dialect.body(changes));
  const text = await answer.text();
  await judgeRefusal(answer.status, text, dialect, [400]).catch((error: unknown) => {
    throw new Error(`${JSON.stringify(changes)}: ${String(error)}`);
  });
}

async function tooMany(gateway: Gateway, dialect: ClientDialect): Promise<string> {
  const answers = await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const answer = await post(gateway, dialect, dialect.body());
      return { status: answer.status, text: await answer.text() };
    }),
  );
  const busy = answers.filter(({ status }) => status !== 200);
  for (const { status, text } of busy) await judgeRefusal(status, text, dialect, [429, 503, 529]);
  if (busy.length === 0) throw new Error('everybody was let in');
  if (busy.length > CLIENTS - MAX_IN_FLIGHT) throw new Error(`${busy.length} were turned away`);
  return `${CLIENTS - busy.length} of ${CLIENTS} answered, ${busy.length} told to come again`;
}

const healthSchema = z.object({ inFlight: z.number() });

/** Clients that go in the middle of a stream leave nothing running. */
async function leavers(gateway: Gateway, dialect: ClientDialect): Promise<void> {
  for (let count = 0; count < MAX_IN_FLIGHT; count++) {
    const leaving = new AbortController();
    const answer = await fetch(`${gateway.url}${dialect.path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...dialect.headers },
      body: JSON.stringify(dialect.body({ stream: true })),
      signal: leaving.signal,
    });
    if (answer.status !== 200) throw new Error(`status ${answer.status}`);
    leaving.abort();
  }
  for (;;) {
    const health = await fetch(`${gateway.url}/health`);
    if (healthSchema.parse(await health.json()).inFlight === 0) return;
    await sleep(50);
  }
}

function raw({ url }: Gateway): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  // What is told before a connection breaks is what counts.
  socket.on('error', () => {});
  return socket;
}

async function restOf(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  await once(socket, 'close');
  return text;
}

function headOf(dialect: ClientDialect, length: number): string {
  const headers = { host: '127.0.0.1', 'content-type': 'application/json', ...dialect.headers };
  const lines = Object.entries({ ...headers, 'content-length': `${length}` });
  return [`POST ${dialect.path} HTTP/1.1`, ...lines.map(([k, v]) => `${k}: ${v}`), '', ''].join(
    '\r\n',
  );
}

/** The client closes its side in the middle of its body, and right after it. */
async function halfClosed(gateway: Gateway, dialect: ClientDialect): Promise<string> {
  const body = JSON.stringify(dialect.body());
  const words: string[] = [];
  for (const sent of [body.slice(0, 20), body]) {
    const socket = raw(gateway);
    const answered = restOf(socket);
    socket.end(`${headOf(dialect, body.length)}${sent}`);
    const [head = '', text = ''] = (await answered).split('\r\n\r\n');
    const status = Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]);
    if (status !== 200 || sent !== body) await judgeRefusal(status, text, dialect, [400]);
    words.push(`${status}`);
  }
  return `in the middle ${words[0]}, after it ${words[1]}`;
}

async function noHttp(gateway: Gateway): Promise<void> {
  for (const bytes of [
    'rubbish\r\n\r\n',
    '\u0000\u0001\u0002\u0003',
    `GET /${'a'.repeat(200_000)}`,
  ]) {
    const socket = raw(gateway);
    const answered = restOf(socket);
    socket.end(bytes, 'latin1');
    const text = await answered;
    if (!/^HTTP\/1\.1 4\d\d/.test(text)) throw new Error(`it answered ${text.slice(0, 100)}`);
  }
}

/** Somebody asks for much and takes nothing; who asks beside them is answered all the same. */
async function slowReaders(gateway: Gateway): Promise<void> {
  const [dialect] = CLIENT_DIALECTS;
  if (dialect === undefined) return;
  const content = 'a'.repeat(4 * MEGABYTE);
  const body = JSON.stringify(
    dialect.body({ stream: true, messages: [{ role: 'user', content }] }),
  );
  const sockets = Array.from({ length: MAX_IN_FLIGHT / 2 }, () => {
    const socket = raw(gateway);
    socket.pause();
    socket.write(`${headOf(dialect, body.length)}${body}`);
    return socket;
  });
  try {
    await sleep(1000);
    for (const other of CLIENT_DIALECTS) await rightAnswer(gateway, other);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

/** Somebody sends a byte at a time; who asks beside them is answered all the same. */
async function slowWriters(gateway: Gateway): Promise<void> {
  const [dialect] = CLIENT_DIALECTS;
  if (dialect === undefined) return;
  const sockets = Array.from({ length: 100 }, () => raw(gateway));
  const head = headOf(dialect, 1000);
  try {
    for (let index = 0; index < head.length; index++) {
      for (const socket of sockets) socket.write(head.charAt(index));
      await sleep(10);
      if (index % 40 === 0) await rightAnswer(gateway, dialect);
    }
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
