import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { GATEWAY_TIMES } from '../../src/gateway/gateway.ts';
import { hold } from './scripted-router.ts';
import { withGateway } from './with-gateway.ts';

const ASK = { model: 'auto', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] };
const PATHS = ['/v1/chat/completions', '/v1/messages', '/api/chat'] as const;

interface Raw {
  socket: Socket;
  /** All that came so far. */
  heard: () => string;
  /** All that came, once the other side has closed. */
  rest: Promise<string>;
}

function open(url: string): Raw {
  const socket = connect({ port: Number(new URL(url).port), allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  let text = '';
  socket.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  socket.on('error', () => {});
  const rest = Promise.race([once(socket, 'end'), once(socket, 'close')]).then(() => text);
  return { socket, heard: () => text, rest };
}

function post(path: string, body: string, more: readonly string[] = []): string {
  const head = [`POST ${path} HTTP/1.1`, 'host: localhost', `content-length: ${body.length}`];
  return `${[...head, ...more].join('\r\n')}\r\n\r\n${body}`;
}

describe('a client that leaves', () => {
  it.each([false, true])('aborts its request (stream: %s)', async (stream) => {
    const { url, router, log } = await withGateway();
    router.script = { steps: [{ text: 'a' }, hold().step, { text: 'b' }] };
    const aborter = new AbortController();
    const asked = fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ ...ASK, stream }),
      signal: aborter.signal,
    }).then((answer) => answer.text());
    await expect.poll(() => router.given).toBe(2);
    aborter.abort();
    await expect(asked).rejects.toThrow('abort');
    await expect.poll(() => router.aborted.length).toBe(1);
    await expect.poll(() => log).toMatchObject([{ left: true, status: 499 }]);
  });
});

describe('a half-closed connection', () => {
  it.each(PATHS)('is told so at %s, and its request is aborted', async (path) => {
    const { url, router } = await withGateway();
    router.script = { steps: [hold().step] };
    const { socket, rest } = open(url);
    socket.write(post(path, JSON.stringify({ ...ASK, stream: false })));
    await expect.poll(() => router.requests.length).toBe(1);
    socket.end();
    expect(await rest).toMatch(/^HTTP\/1\.1 400 .*gateway\.half-closed/s);
    await expect.poll(() => router.aborted.length).toBe(1);
  });

  it('ends a stream with an error', async () => {
    const { url, router } = await withGateway();
    router.script = { steps: [{ text: 'Hel' }, hold().step] };
    const { socket, heard, rest } = open(url);
    socket.write(post('/v1/messages', JSON.stringify({ ...ASK, stream: true })));
    await expect.poll(heard).toContain('Hel');
    socket.end();
    const text = await rest;
    expect(text).toContain('event: error');
    expect(text).not.toContain('message_stop');
    await expect.poll(() => router.aborted.length).toBe(1);
  });

  it('is told so within a body too, in its dialect', async () => {
    const { url } = await withGateway();
    const { socket, rest } = open(url);
    socket.write(post('/api/chat', JSON.stringify(ASK)).slice(0, -5));
    socket.end();
    const text = await rest;
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    expect(text).toMatch(/\{"error":"[^"]+","code":"gateway\.half-closed"\}$/);
  });
});

describe('a slow client', () => {
  it('has so long for its headers and its body, and no longer', async () => {
    const times = { ...GATEWAY_TIMES, headersMs: 100, requestMs: 200 };
    const { url } = await withGateway({ times });
    const headers = open(url);
    headers.socket.write('POST /v1/messages HTTP/1.1\r\nhost: lo');
    const body = open(url);
    body.socket.write(post('/v1/messages', JSON.stringify(ASK)).slice(0, -5));
    const [late, slow] = await Promise.all([headers.rest, body.rest]);
    expect(late).toMatch(/^HTTP\/1\.1 408 .*gateway\.too-slow/s);
    expect(slow).toMatch(/^HTTP\/1\.1 408 .*"type":"error".*gateway\.too-slow/s);
  });

  it('does not have an answer pile up', async () => {
    const { url, router } = await withGateway();
    const steps = Array.from({ length: 2000 }, () => ({ text: 'x'.repeat(16 * 1024) }));
    router.script = { steps };
    const { socket, heard } = open(url);
    socket.pause();
    socket.write(post('/api/chat', JSON.stringify(ASK)));
    await expect.poll(() => router.given).toBeGreaterThan(0);
    let before = -1;
    // It stands still once the buffers of both sides are full.
    await expect
      .poll(
        () => {
          const stood = router.given === before;
          before = router.given;
          return stood;
        },
        { interval: 200 },
      )
      .toBe(true);
    expect(router.given).toBeLessThan(steps.length);
    socket.resume();
    await expect.poll(() => router.given, { timeout: 20_000 }).toBe(steps.length);
    await expect.poll(heard, { timeout: 20_000 }).toContain('"done":true');
  });

  it('that takes nothing any more loses its connection', async () => {
    const times = { ...GATEWAY_TIMES, stalledMs: 50 };
    const { url, router } = await withGateway({ times });
    router.script = {
      steps: Array.from({ length: 2000 }, () => ({ text: 'x'.repeat(16 * 1024) })),
    };
    const { socket } = open(url);
    socket.pause();
    socket.write(post('/v1/chat/completions', JSON.stringify({ ...ASK, stream: true })));
    await expect.poll(() => router.aborted.length, { timeout: 10_000 }).toBe(1);
  });
});

describe('a body that is too large', () => {
  it('is refused while it comes, in a way that its sender can read', async () => {
    const { url } = await withGateway({ settings: { maxBodyBytes: 1024 } });
    const { socket, rest } = open(url);
    const body = 'x'.repeat(8 * 1024 * 1024);
    socket.write(post('/v1/messages', body));
    expect(await rest).toMatch(/^HTTP\/1\.1 413 .*request_too_large/s);
  });

  it('is refused where its length was not told', async () => {
    const { url } = await withGateway({ settings: { maxBodyBytes: 1024 } });
    const { socket, rest } = open(url);
    socket.write(
      'POST /api/chat HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n',
    );
    socket.write(`${(100_000).toString(16)}\r\n${'x'.repeat(100_000)}\r\n0\r\n\r\n`);
    expect(await rest).toMatch(/^HTTP\/1\.1 413 .*gateway\.body-too-large/s);
  });
});

describe('what is no HTTP, or for another host', () => {
  it('is told so', async () => {
    const { url } = await withGateway();
    const { socket, rest } = open(url);
    socket.write('HELLO THERE\r\n\r\n');
    expect(await rest).toMatch(/^HTTP\/1\.1 400 .*gateway\.invalid-http/s);
    const foreign = open(url);
    foreign.socket.write(
      'GET /api/tags HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n',
    );
    expect(await foreign.rest).toMatch(/^HTTP\/1\.1 403 .*gateway\.forbidden-host/s);
    expect((await fetch(`${url}/health`)).status).toBe(200);
  });
});

describe('the end', () => {
  it('lets what runs end, and takes nothing new', async () => {
    const { gateway, url, router } = await withGateway({
      times: { ...GATEWAY_TIMES, stopMs: 20_000 },
    });
    const held = hold();
    router.script = { steps: [{ text: 'a' }, held.step, { text: 'b' }] };
    const { socket, heard, rest } = open(url);
    socket.write(post('/api/chat', JSON.stringify(ASK)));
    await expect.poll(heard).toContain('"content":"a"');
    const closed = gateway.close();
    await expect(fetch(`${url}/health`)).rejects.toThrow('fetch failed');
    held.release();
    expect(await rest).toContain('"done":true');
    await closed;
  });

  it('ends what takes longer than it may, with an error', async () => {
    const { gateway, url, router } = await withGateway();
    router.script = { steps: [{ text: 'a' }, hold().step] };
    const streamed = open(url);
    streamed.socket.write(post('/api/chat', JSON.stringify(ASK)));
    const whole = open(url);
    whole.socket.write(post('/v1/messages', JSON.stringify(ASK)));
    await expect.poll(() => router.given).toBe(4);
    await gateway.close();
    expect(await streamed.rest).toMatch(/"code":"gateway\.stopping"\}\n/);
    expect(await whole.rest).toMatch(/^HTTP\/1\.1 503 .*gateway\.stopping/s);
  });
});
