import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { keySentence } from '../../../src/setup/interview.ts';
import { checkAnthropicKey } from '../../../src/setup/servers/anthropic-key.ts';
import { clock, serve, serverWith } from './loopback.ts';

const KEY = 'sk-ant-topsecret';
const check = (url: string): ReturnType<typeof checkAnthropicKey> =>
  checkAnthropicKey(url, KEY, { fetch, clock });

test('a key is asked for its models, in the documented way', async () => {
  const seen: IncomingMessage[] = [];
  const url = await serverWith({ '/v1/models': [200, '{"data":[]}'] }, seen);
  expect(await check(`${url}/`)).toEqual({ state: 'valid' });
  expect(seen[0]).toMatchObject({
    method: 'GET',
    headers: { 'x-api-key': KEY, 'anthropic-version': '2023-06-01' },
  });
});

test('what becomes of it is told without the key', async () => {
  const echo = `{"error":{"type":"authentication_error","message":"invalid x-api-key ${KEY}"}}`;
  const refused = await check(await serverWith({ '/v1/models': [401, echo] }));
  expect(refused).toEqual({ state: 'refused', status: 401 });
  const unclear = await check(await serverWith({ '/v1/models': [529, echo] }));
  expect(unclear).toEqual({ state: 'unclear', status: 529 });
  expect(await check('http://127.0.0.1:1')).toEqual({ state: 'unreachable' });
  expect(JSON.stringify([refused, unclear])).not.toContain('topsecret');
  expect([undefined, refused, unclear].map((state) => keySentence('K', state))).toEqual([
    'K is not set.',
    'K is refused (HTTP 401).',
    'K could not be checked (HTTP 529).',
  ]);
});

test('a redirect does not carry the key away', async () => {
  const elsewhere: IncomingMessage[] = [];
  const target = await serverWith({ '/v1/models': [200, '{}'] }, elsewhere);
  const url = await serve((_, response) => {
    response.writeHead(302, { location: `${target}/v1/models` }).end();
  });
  expect((await check(url)).state).toBe('unclear');
  expect(elsewhere).toEqual([]);
});
