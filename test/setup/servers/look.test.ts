import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import type { ServerConfig } from '../../../src/config/schema.ts';
import { serverFinding } from '../../../src/setup/doctor/servers.ts';
import { lookAtServers, type ServerLook } from '../../../src/setup/servers/look.ts';
import { clock, serve, serverWith } from './loopback.ts';

async function looked(
  servers: Record<string, ServerConfig>,
  env = {},
): Promise<Map<string, ServerLook>> {
  const looks = await lookAtServers(servers, { fetch, clock, env });
  return new Map(looks.map((look) => [look.name, look]));
}
const openAi = (url: string): ServerConfig => ({ kind: 'openai-compatible', url });

test('servers that run are named with what they have; a cloud’s models are not local', async () => {
  const looks = await looked({
    ollama: {
      kind: 'ollama',
      url: await serverWith({
        '/api/version': [200, '{"version":"0.17.4"}'],
        '/api/tags': [
          200,
          JSON.stringify({
            models: [
              { name: 'rnj-1:latest', size: 5.1e9, digest: 'x' },
              { name: 'rnj-1:8b-cloud', size: 300, remote_host: 'https://ollama.com:443' },
            ],
          }),
        ],
      }),
    },
    vllm: openAi(await serverWith({ '/v1/models': [200, '{"data":[{"id":"qwen"},{"id":"a"}]}'] })),
  });
  expect(looks.get('ollama')).toMatchObject({
    state: 'up',
    version: '0.17.4',
    models: [{ name: 'rnj-1:latest', bytes: 5.1e9 }],
  });
  expect(looks.get('vllm')).toMatchObject({
    state: 'up',
    models: [{ name: 'qwen' }, { name: 'a' }],
  });
  expect([...looks.values()].map((look) => serverFinding(look).detail)).toEqual([
    expect.stringMatching(/^version 0\.17\.4, has rnj-1:latest at http/),
    expect.stringMatching(/^has qwen, a at http/),
  ]);
});

test('strangers, a loading server, one that asks for a key and one that is silent are told apart', async () => {
  const looks = await looked({
    ollama: { kind: 'ollama', url: await serverWith({}) },
    loading: openAi(await serverWith({ '/v1/models': [503, '{"error":{}}'] })),
    locked: openAi(await serverWith({ '/v1/models': [401, ''] })),
    page: openAi(await serverWith({ '/v1/models': [200, '<html>'] })),
    silent: openAi(await serve(() => undefined)),
  });
  expect([...looks.values()].map(({ state }) => state)).toEqual([
    'stranger',
    'loading',
    'refused',
    'stranger',
    'absent',
  ]);
  expect([...looks.values()].map((look) => serverFinding(look).state)).toEqual([
    'missing',
    'warning',
    'warning',
    'missing',
    'missing',
  ]);
});

test('a server’s key goes to that server, and one that bills is not asked', async () => {
  const seen: IncomingMessage[] = [];
  const url = await serverWith({ '/v1/models': [200, '{"data":[]}'] }, seen);
  const looks = await looked(
    {
      locked: { kind: 'openai-compatible', url, apiKeyEnv: 'OUR_KEY' },
      open: openAi(url),
      anthropic: { kind: 'anthropic', url, apiKeyEnv: 'OUR_KEY' },
    },
    { OUR_KEY: 'k-1' },
  );
  expect([...looks.keys()]).toEqual(['locked', 'open']);
  const keys = seen.map((request) => request.headers.authorization ?? 'none');
  expect(keys.toSorted()).toEqual(['Bearer k-1', 'none']);
});
