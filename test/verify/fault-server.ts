import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Usage } from '../../src/core/request.ts';
import type { FailureClass } from '../../src/providers/failure.ts';
import { PIECES, USAGE, type Dialect, type Refusal } from './dialects.ts';

/** One way in which servers fail, and what is to come of it. */
export interface Fault {
  name: string;
  /** What the caller gets: the whole answer, or an error of this class. */
  outcome: 'ok' | FailureClass;
  /** Requests until then. */
  attempts: number;
  /** It comes after text: a stream whose reader has some of it is not asked for again. */
  afterText?: true;
  /** Usage that the whole answer is to have. */
  usage?: Usage;
  /** A refusal that it needs; kinds of servers that do not know it are left out. */
  refusal?: Refusal;
  /** Milliseconds of waiting that the server asked for, which must have been waited. */
  waitMs?: number;
  /** Plays the n-th request, from 0. Absent where nothing listens at all. */
  play?: (answer: Answer, nth: number) => Promise<void>;
}

/** Below every deadline of the calls. */
const NOBODY_READS_MS = 500;

/** A request for an answer, with all that may be done to it. */
class Answer {
  readonly dialect: Dialect;
  readonly response: ServerResponse;
  private readonly arrived: Promise<void>;

  constructor(dialect: Dialect, response: ServerResponse, arrived: Promise<void>) {
    this.dialect = dialect;
    this.response = response;
    this.arrived = arrived;
  }

  /** Sends headers of a good stream, and what goes before its text. */
  begin(usage = true): void {
    this.response.writeHead(200, { 'content-type': this.dialect.contentType });
    this.response.flushHeaders();
    this.response.write(this.dialect.begin(usage));
  }

  text(): void {
    for (const piece of PIECES) this.response.write(this.dialect.text(piece));
  }

  whole(usage: 'once' | 'twice' | 'missing' = 'once'): void {
    this.begin(usage !== 'missing');
    this.text();
    this.response.end(this.dialect.end(usage));
  }

  refuse(status: number, refusal: Refusal, headers: Record<string, string> = {}): void {
    this.response.writeHead(status, { 'content-type': 'application/json', ...headers });
    this.response.end(JSON.stringify(this.dialect.refusal(refusal)));
  }

  /** Begins to answer, and waits until a reader has got of the text, or nobody seems to read along. */
  async half(): Promise<void> {
    this.begin();
    this.text();
    await Promise.race([this.arrived, sleep(NOBODY_READS_MS)]);
  }

  cut(): void {
    this.response.socket?.resetAndDestroy();
  }
}

/** As often as the retries allow. */
const ALWAYS = 3;

/** What shows that the others fail for their faults. */
export const CONTROL = 'no fault';

export const FAULTS: readonly Fault[] = [
  { name: CONTROL, outcome: 'ok', attempts: 1, play: async (answer) => answer.whole() },
  { name: 'refused', outcome: 'transport', attempts: ALWAYS },
  {
    name: 'reset mid-headers',
    outcome: 'transport',
    attempts: ALWAYS,
    async play(answer) {
      answer.response.socket?.write('HTTP/1.1 200 OK\r\nContent-Ty');
      await sleep(20);
      answer.cut();
    },
  },
  {
    name: 'hang before headers',
    outcome: 'first-token-timeout',
    attempts: ALWAYS,
    play: async () => {},
  },
  {
    name: 'slow first token',
    outcome: 'ok',
    attempts: 1,
    async play(answer) {
      await sleep(150);
      answer.whole();
    },
  },
  {
    name: 'no token after headers',
    outcome: 'first-token-timeout',
    attempts: ALWAYS,
    play: async (answer) => answer.begin(),
  },
  {
    name: 'stall mid-stream',
    outcome: 'timeout',
    attempts: ALWAYS,
    afterText: true,
    play: (answer) => answer.half(),
  },
  {
    name: 'no end mark',
    outcome: 'truncated-stream',
    attempts: ALWAYS,
    afterText: true,
    async play(answer) {
      await answer.half();
      answer.response.end();
    },
  },
  {
    name: 'connection cut mid-stream',
    outcome: 'truncated-stream',
    attempts: ALWAYS,
    afterText: true,
    async play(answer) {
      await answer.half();
      answer.cut();
    },
  },
  {
    name: 'malformed chunk',
    outcome: 'malformed',
    attempts: ALWAYS,
    afterText: true,
    async play(answer) {
      await answer.half();
      answer.response.write(answer.dialect.garbage);
      answer.response.end(answer.dialect.end('once'));
    },
  },
  {
    name: '200 with an error body',
    outcome: 'overloaded',
    attempts: ALWAYS,
    play: async (answer) => answer.refuse(200, 'internal'),
  },
  {
    name: 'error inside a stream',
    outcome: 'overloaded',
    attempts: ALWAYS,
    afterText: true,
    async play(answer) {
      await answer.half();
      answer.response.end(answer.dialect.refusalInStream('internal'));
    },
  },
  {
    name: '429 with Retry-After, then well',
    outcome: 'ok',
    attempts: 2,
    waitMs: 1000,
    async play(answer, nth) {
      if (nth === 0) answer.refuse(429, 'rate limit', { 'retry-after': '1' });
      else answer.whole();
    },
  },
  {
    name: '429 with a long Retry-After',
    outcome: 'rate-limited',
    attempts: 1,
    play: async (answer) => answer.refuse(429, 'rate limit', { 'retry-after': '3600' }),
  },
  {
    name: '429 without Retry-After',
    outcome: 'rate-limited',
    attempts: ALWAYS,
    play: async (answer) => answer.refuse(429, 'rate limit'),
  },
  {
    name: '429 for a spent budget',
    outcome: 'spend-limit',
    attempts: 1,
    refusal: 'spend limit',
    play: async (answer) => answer.refuse(429, 'spend limit'),
  },
  {
    name: '529 overloaded',
    outcome: 'overloaded',
    attempts: ALWAYS,
    play: async (answer) => answer.refuse(529, 'overloaded'),
  },
  {
    name: '503, then well',
    outcome: 'ok',
    attempts: 2,
    async play(answer, nth) {
      if (nth === 0) answer.refuse(503, 'overloaded');
      else answer.whole();
    },
  },
  {
    name: '500 always',
    outcome: 'overloaded',
    attempts: ALWAYS,
    play: async (answer) => answer.refuse(500, 'internal'),
  },
  {
    name: '401 unknown key',
    outcome: 'auth',
    attempts: 1,
    play: async (answer) => answer.refuse(401, 'unknown key'),
  },
  {
    name: '404 no such model',
    outcome: 'model-missing',
    attempts: 1,
    play: async (answer) => answer.refuse(404, 'no such model'),
  },
  {
    name: '413 body too large',
    outcome: 'context-too-long',
    attempts: 1,
    play: async (answer) => answer.refuse(413, 'body too large'),
  },
  {
    name: '400 context too long',
    outcome: 'context-too-long',
    attempts: 1,
    play: async (answer) => answer.refuse(400, 'context too long'),
  },
  {
    name: 'usage told twice',
    outcome: 'ok',
    attempts: 1,
    play: async (answer) => answer.whole('twice'),
  },
  {
    name: 'usage missing',
    outcome: 'ok',
    attempts: 1,
    usage: {},
    play: async (answer) => answer.whole('missing'),
  },
  {
    name: 'wrong content type',
    outcome: 'malformed',
    attempts: ALWAYS,
    async play({ response }) {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end('<html><body>Sign in to the network</body></html>');
    },
  },
];

/** What a whole answer is to have as its usage. */
export const usageOf = (fault: Fault): Usage => fault.usage ?? USAGE;

export interface FaultServer {
  url: string;
  /** Requests for an answer that came. */
  readonly requests: number;
  /** Tells that the caller has got text. */
  textArrived(): void;
  close(): Promise<void>;
}

/** A server on the loopback that knows its facts and fails at every answer as told. */
export async function startFaultServer(dialect: Dialect, fault: Fault): Promise<FaultServer> {
  let requests = 0;
  let textArrived = (): void => {};
  const arrived = new Promise<void>((resolve) => {
    textArrived = resolve;
  });
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const { play } = fault;
    request.resume();
    if (path === dialect.path && play !== undefined) {
      requests += 1;
      const nth = requests - 1;
      request.on('end', () => void play(new Answer(dialect, response, arrived), nth));
      return;
    }
    const fact = dialect.facts[path];
    response.writeHead(fact === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(fact ?? { detail: 'Not Found' }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;

  async function close(): Promise<void> {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }

  // A port that was free a moment ago, and to which nobody listens.
  if (fault.play === undefined) await close();
  return {
    url: `http://127.0.0.1:${port}`,
    get requests() {
      return requests;
    },
    textArrived,
    close,
  };
}
