import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import type { Clock } from '../../../src/core/clock.ts';
import { pullModel, type PullEvent } from '../../../src/setup/servers/ollama-pull.ts';
import { clock, serve } from './loopback.ts';

/** Pauses are asked for and not taken. */
function hurried(): { clock: Clock; slept: number[] } {
  const slept: number[] = [];
  const sleep: Clock['sleep'] = async (ms, signal) => {
    signal?.throwIfAborted();
    slept.push(ms);
  };
  return { clock: { ...clock, sleep }, slept };
}

const line = (body: object): string => `${JSON.stringify(body)}\n`;
const layer = (digest: string, total: number, completed?: number): string =>
  line({ status: `pulling ${digest}`, digest, total, completed });
const SUCCESS = line({ status: 'success' });

/** An Ollama whose answers to successive pulls these are. */
async function ollama(
  ...answers: ((response: ServerResponse) => void)[]
): Promise<{ url: string; asked: unknown[] }> {
  const asked: unknown[] = [];
  const url = await serve((request, response) => {
    const answer = answers[Math.min(asked.length, answers.length - 1)];
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      asked.push(`${request.method} ${request.url} ${Buffer.concat(chunks).toString()}`);
      answer?.(response);
    });
  });
  return { url, asked };
}

const whole =
  (...lines: string[]) =>
  (response: ServerResponse): void => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' }).end(lines.join(''));
  };
/** The connection breaks after these lines. */
const cut =
  (...lines: string[]) =>
  (response: ServerResponse): void => {
    response.writeHead(200).write(lines.join(''), () => response.socket?.resetAndDestroy());
  };

async function pull(
  url: string,
  { free, signal }: { free?: number; signal?: AbortSignal } = {},
): Promise<{ events: PullEvent[]; slept: number[]; error?: unknown }> {
  const { clock: quick, slept } = hurried();
  const deps = { fetch, clock: quick, ...(free === undefined ? {} : { freeDiskBytes: free }) };
  const events: PullEvent[] = [];
  try {
    const pulled = pullModel(url, 'rnj-1', deps, signal ?? new AbortController().signal);
    for await (const event of pulled) events.push(event);
    return { events, slept };
  } catch (error) {
    return { events, slept, error };
  }
}

test('bytes of all layers are counted, whether `completed` is there or not', async () => {
  const server = await ollama(
    whole(
      line({ status: 'pulling manifest' }),
      layer('sha256:a', 100),
      layer('sha256:a', 100, 60),
      layer('sha256:a', 100),
      layer('sha256:a', 100, 100),
      layer('sha256:b', 20, 20),
      'no json\n',
      line({ status: 'verifying sha256 digest' }),
      SUCCESS,
    ),
  );
  const { events } = await pull(server.url);
  expect(server.asked).toEqual(['POST /api/pull {"model":"rnj-1","stream":true}']);
  expect(events).toEqual([
    { type: 'status', text: 'pulling manifest' },
    { type: 'progress', doneBytes: 0, totalBytes: 100 },
    { type: 'progress', doneBytes: 60, totalBytes: 100 },
    { type: 'progress', doneBytes: 60, totalBytes: 100 },
    { type: 'progress', doneBytes: 100, totalBytes: 100 },
    { type: 'progress', doneBytes: 120, totalBytes: 120 },
    { type: 'status', text: 'verifying sha256 digest' },
    { type: 'finished' },
  ]);
});

test.each([
  ['pull model manifest: file does not exist', /Check the name/],
  ['Get "https://r/v2/": dial tcp: lookup r: no such host', /does not reach its registry/],
  ['The model you are pulling requires a newer version of Ollama', /Update Ollama/],
  ['write /models/x: no space left on device', /Make room/],
  ['something else', /log says more/],
])('an error inside a 200 stream fails with the server’s words: %s', async (told, hint) => {
  const server = await ollama(whole(line({ status: 'pulling manifest' }), line({ error: told })));
  const { error } = await pull(server.url);
  expect(error).toMatchObject({
    code: 'pull.failed',
    message: `Ollama cannot fetch rnj-1: ${told}`,
    hint: expect.stringMatching(hint),
  });
  expect(server.asked).toHaveLength(1);
});

test('a status that is no success fails with its words, or its number', async () => {
  const worded = await ollama((response) => response.writeHead(400).end('{"error":"no model"}'));
  expect((await pull(worded.url)).error).toMatchObject({
    message: 'Ollama cannot fetch rnj-1: no model',
  });
  const bare = await ollama((response) => response.writeHead(502).end('<html>'));
  expect((await pull(bare.url)).error).toMatchObject({
    message: 'Ollama cannot fetch rnj-1: HTTP 502',
  });
});

test('a cut stream is asked for again and goes on', async () => {
  const server = await ollama(
    cut(layer('sha256:a', 100, 40)),
    whole(layer('sha256:a', 100, 70)),
    whole(layer('sha256:a', 100), layer('sha256:a', 100, 100), SUCCESS),
  );
  const { events, slept } = await pull(server.url);
  expect(events.filter(({ type }) => type !== 'retrying')).toEqual([
    { type: 'progress', doneBytes: 40, totalBytes: 100 },
    { type: 'progress', doneBytes: 70, totalBytes: 100 },
    { type: 'progress', doneBytes: 70, totalBytes: 100 },
    { type: 'progress', doneBytes: 100, totalBytes: 100 },
    { type: 'finished' },
  ]);
  expect(slept).toEqual([1000, 1000]);
});

test('without a new byte it is given up', async () => {
  const server = await ollama(cut(layer('sha256:a', 100, 40)));
  const { error, slept } = await pull(server.url);
  expect(error).toMatchObject({ code: 'pull.broken', hint: expect.stringContaining('ask again') });
  expect(server.asked).toHaveLength(4);
  expect(slept).toEqual([1000, 2000, 4000]);
});

test('a layer for which there is no room ends it before its bytes come', async () => {
  const server = await ollama(whole(layer('sha256:a', 5.1e9), SUCCESS));
  expect((await pull(server.url, { free: 5e9 })).error).toMatchObject({
    code: 'pull.disk-full',
    message: expect.stringContaining('needs 5.10 GB of disk; 5.00 GB are free'),
  });
  // What an earlier pull has left there needs no more room.
  const resumed = await ollama(whole(layer('sha256:a', 5.1e9, 1e9), SUCCESS));
  expect((await pull(resumed.url, { free: 5e9 })).events.at(-1)).toEqual({ type: 'finished' });
});

test('no server, and an abort', async () => {
  expect((await pull('http://127.0.0.1:1')).error).toMatchObject({
    code: 'server.unreachable',
    hint: expect.stringContaining('ollama serve'),
  });
  const abort = new AbortController();
  const closes: Promise<unknown>[] = [];
  const server = await ollama((response) => {
    closes.push(once(response, 'close'));
    response
      .writeHead(200)
      .write(layer('sha256:a', 100, 1), () => abort.abort(new Error('enough')));
  });
  expect((await pull(server.url, { signal: abort.signal })).error).toEqual(new Error('enough'));
  await Promise.all(closes);
  expect(closes).toHaveLength(1);
});
