import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { Clock } from '../../../src/core/clock.ts';
import type { Finding } from '../../../src/setup/doctor/finding.ts';
import { examineServers } from '../../../src/setup/doctor/servers.ts';
import type { ServerAddresses } from '../../../src/setup/doctor/servers.ts';

const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
};

async function examined(servers: ServerAddresses): Promise<Map<string, Finding>> {
  const findings = await examineServers({ fetch, clock, servers });
  return new Map(findings.map((finding) => [finding.id, finding]));
}

/** A server with these answers by path; everything else is 404. */
async function serverWith(answers: Record<string, [number, string]>): Promise<string> {
  const server = createServer((request, response) => {
    const [status, body] = answers[request.url ?? ''] ?? [404, 'not here'];
    response.writeHead(status).end(body);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}`;
}

test('servers that run are named with what they serve', async () => {
  const findings = await examined({
    ollama: await serverWith({ '/api/version': [200, '{"version":"0.17.4"}'] }),
    vllm: await serverWith({
      '/health': [200, ''],
      '/v1/models': [200, '{"data":[{"id":"qwen"},{"id":"adapter"}]}'],
    }),
    llamaServer: await serverWith({ '/health': [200, '{"status":"ok"}'] }),
  });
  expect(findings.get('server.ollama')).toMatchObject({
    state: 'ok',
    detail: expect.stringMatching(/^version 0\.17\.4 at/),
  });
  expect(findings.get('server.vllm')).toMatchObject({
    state: 'ok',
    detail: expect.stringMatching(/^serves qwen, adapter at/),
  });
  expect(findings.get('server.llama-server')).toMatchObject({ state: 'ok' });
});

test('strangers on the usual ports, a loading server and a silent one are told apart', async () => {
  const silent = createServer(() => undefined);
  await new Promise<void>((resolve) => {
    silent.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    silent.closeAllConnections();
    silent.close();
  });
  const address = silent.address();
  const port = address === null || typeof address === 'string' ? 1 : address.port;
  const findings = await examined({
    ollama: await serverWith({}),
    vllm: `http://127.0.0.1:${port}`,
    llamaServer: await serverWith({ '/health': [503, '{"error":{"message":"Loading model"}}'] }),
  });
  expect(findings.get('server.ollama')?.detail).toMatch(/something else answers .*HTTP 404/);
  expect(findings.get('server.vllm')?.detail).toMatch(/nothing answers/);
  expect(findings.get('server.llama-server')?.state).toBe('warning');
});
