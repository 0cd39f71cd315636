import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CompletionRequest } from '../../../src/core/request.ts';
import {
  createAnthropicBatches,
  type AnthropicBatches,
  type BatchOutcome,
} from '../../../src/providers/anthropic/batches.ts';
import { failureClassOf } from '../../../src/providers/failure.ts';
import {
  ANTHROPIC_KEY,
  ANTHROPIC_MODEL,
  startAnthropicServer,
  type AnthropicServer,
} from '../../contracts/anthropic-server.ts';
import { PATIENT } from '../../contracts/deadlines.ts';
import { machineClock } from '../embedded/processes.ts';

let server: AnthropicServer;
let batches: AnthropicBatches;
beforeAll(async () => {
  server = await startAnthropicServer();
  batches = createAnthropicBatches({
    model: ANTHROPIC_MODEL,
    url: server.url,
    apiKey: ANTHROPIC_KEY,
    deadlines: PATIENT,
    clock: machineClock,
  });
});
afterAll(async () => {
  await batches.shutdown();
  await server.close();
});

function ask(content: string): CompletionRequest {
  const messages = [{ role: 'user' as const, content }];
  return { messages, maxTokens: 10, temperature: 0, seed: 7, repeat: 0 };
}

it('submits, tells how far it is, and finds every answer by its key', async () => {
  const id = await batches.submit([
    { key: 'sum', request: ask('What is 2+2?') },
    { key: 'story', request: ask('Tell a story.') },
    { key: 'long', request: ask('word '.repeat(200_001)) },
  ]);
  expect(await batches.poll(id)).toEqual({ state: 'running', running: 3, succeeded: 0, failed: 0 });
  expect(await batches.poll(id)).toEqual({ state: 'ended', running: 0, succeeded: 2, failed: 1 });
  const outcomes = new Map<string, BatchOutcome>();
  for await (const outcome of batches.results(id)) outcomes.set(outcome.key, outcome);
  expect(outcomes.get('sum')).toMatchObject({
    state: 'answered',
    completion: { finishReason: 'stop', timing: { measured: false } },
  });
  expect(outcomes.get('story')).toMatchObject({
    completion: {
      text: '1 2 3 4 5 6 7 8 9 10',
      finishReason: 'length',
      usage: { outputTokens: 10 },
    },
  });
  expect(outcomes.get('long')).toMatchObject({
    state: 'failed',
    failure: { failure: 'context-too-long' },
  });
});

it('fails as a call does', async () => {
  const id = await batches.submit([{ key: 'sum', request: ask('What is 2+2?') }]);
  const early = batches.results(id)[Symbol.asyncIterator]().next();
  expect(await early.catch((error: unknown) => failureClassOf(error))).toBe('bad-request');
  const lost = batches.poll('msgbatch_nowhere').catch((error: unknown) => failureClassOf(error));
  expect(await lost).toBe('unsupported');
  const cancelled = batches
    .submit([{ key: 'a', request: ask('Hello') }], { signal: AbortSignal.abort() })
    .catch((error: unknown) => failureClassOf(error));
  expect(await cancelled).toBe('cancelled');
});
