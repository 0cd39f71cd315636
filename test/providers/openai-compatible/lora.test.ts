import { expect, it } from 'vitest';
import {
  listAdapters,
  loadAdapter,
  scaleAdapters,
  unloadAdapter,
  type AdapterServer,
} from '../../../src/providers/openai-compatible/lora.ts';
import { deadlines, json, lines, startLoopback, systemClock } from '../http/loopback.ts';

const at = (url: string): AdapterServer => ({ url, deadlines, clock: systemClock });

it("lists vLLM's adapters, which are models with a parent", async () => {
  const server = await startLoopback({
    '/v1/models': json({
      data: [
        { id: 'base', owned_by: 'vllm', root: '/base', parent: null, max_model_len: 2048 },
        { id: 'style', owned_by: 'vllm', root: '/adapters/style', parent: 'base' },
      ],
    }),
  });
  expect(await listAdapters(at(server.url))).toEqual([
    { server: 'vllm', name: 'style', parent: 'base', path: '/adapters/style' },
  ]);
});

it('loads and unloads on vLLM, which answers in plain text', async () => {
  const text = lines('text/plain', ['Success']);
  const server = await startLoopback({
    '/v1/load_lora_adapter': text,
    '/v1/unload_lora_adapter': text,
  });
  await loadAdapter(at(server.url), { name: 'style', path: '/adapters/style' });
  await unloadAdapter(at(server.url), 'style');
  expect(server.bodiesOf('/v1/load_lora_adapter')).toEqual([
    { lora_name: 'style', lora_path: '/adapters/style' },
  ]);
  expect(server.bodiesOf('/v1/unload_lora_adapter')).toEqual([{ lora_name: 'style' }]);
});

it('tells an adapter that is not there from a server that loads none', async () => {
  const message = 'Loading lora style failed: No adapter found for /nothing';
  const server = await startLoopback({
    '/v1/load_lora_adapter': json({ error: { message, type: 'NotFoundError', code: 404 } }, 404),
  });
  const adapter = { name: 'style', path: '/nothing' };
  await expect(loadAdapter(at(server.url), adapter)).rejects.toMatchObject({
    failure: 'bad-request',
    message: expect.stringContaining(message),
  });
  await expect(unloadAdapter(at(server.url), 'style')).rejects.toMatchObject({
    failure: 'unsupported',
    hint: expect.stringContaining('VLLM_ALLOW_RUNTIME_LORA_UPDATING'),
  });
});

it("lists and scales llama-server's", async () => {
  const adapters = [{ id: 0, path: 'style.gguf', scale: 1, task_name: '' }];
  const server = await startLoopback({
    '/v1/models': json({ data: [{ id: 'm', owned_by: 'llamacpp' }] }),
    '/props': json({ total_slots: 1 }),
    '/lora-adapters': (response, body, request) =>
      json(request.method === 'GET' ? adapters : { success: true })(response, body, request),
  });
  expect(await listAdapters(at(server.url))).toEqual([
    { server: 'llama-server', id: 0, path: 'style.gguf', scale: 1 },
  ]);
  await scaleAdapters(at(server.url), [{ id: 0, scale: 0.5 }]);
  expect(server.bodiesOf('/lora-adapters').at(-1)).toEqual([{ id: 0, scale: 0.5 }]);
});
