import { get, type GetDeps } from './get.ts';

/** What asking the service with a key has shown; the key is no part of it. */
export type KeyCheck =
  | { state: 'valid' }
  | { state: 'refused' | 'unclear'; status: number }
  | { state: 'unreachable' };

const API_VERSION = '2023-06-01';

/**
 * Asks for the list of models (`GET /v1/models`), which bills nothing.
 * @param url base address of the configured server; the key goes there and nowhere else
 */
export async function checkAnthropicKey(
  url: string,
  key: string,
  deps: GetDeps,
): Promise<KeyCheck> {
  const answer = await get(`${url.replace(/\/+$/, '')}/v1/models`, deps, {
    'x-api-key': key,
    'anthropic-version': API_VERSION,
  });
  if (answer === undefined) return { state: 'unreachable' };
  const { ok, status } = answer;
  if (ok) return { state: 'valid' };
  return { state: status === 401 || status === 403 ? 'refused' : 'unclear', status };
}
