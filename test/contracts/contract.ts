import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import type { Completion, CompletionRequest, ToolCall } from '../../src/core/request.ts';
import { failureClassOf } from '../../src/providers/failure.ts';
import type { Provider, StreamEvent } from '../../src/providers/provider.ts';

/** A provider with its server, and what may be expected of the two. */
export interface Subject {
  provider: Provider;
  /** The same server, asked for a model that it does not have. */
  withoutModel: Provider;
  /** The same kind of provider where nobody listens; absent for those without a server. */
  withoutServer?: Provider;
  /** Whether equal seeds are promised to give equal texts. */
  seeds: boolean;
  embeds: boolean;
  countsTokens: boolean;
  /**
   * What comes of a tool that must be called: `held` to its schema, `asked` of a model that may be
   * too small to do it, `refused` for another provider to do.
   */
  requiredTools: 'held' | 'asked' | 'refused';
  /** Whether conversations in which tools were called are refused too. */
  runsWithoutTools?: boolean;
  /** Requests for an answer that went to the server, and those it did not refuse; absent without a server. */
  generations?: () => { sent: number; answered: number };
  close(): Promise<void>;
}

/** How long a real server may take to load a model on a busy machine. */
const SLOW_MS = 600_000;

/** One value is allowed, so that the smallest model gives it where the server holds it to the schema. */
const RUN_TESTS = {
  name: 'run_tests',
  description: 'Runs the tests of a file',
  parameters: {
    type: 'object',
    properties: { file: { type: 'string', enum: ['cart.test.ts'] } },
    required: ['file'],
    additionalProperties: false,
  },
};

const STORY = 'Tell a very long story about a lighthouse keeper.';

function ask(content: string, options: Partial<CompletionRequest> = {}): CompletionRequest {
  const messages = [{ role: 'user' as const, content }];
  return { messages, maxTokens: 24, temperature: 0, seed: 7, repeat: 0, ...options };
}

async function readAll(stream: AsyncIterable<StreamEvent>): Promise<{
  pieces: string[];
  calls: ToolCall[];
  completion: Completion | undefined;
}> {
  const pieces: string[] = [];
  const calls: ToolCall[] = [];
  let completion: Completion | undefined;
  for await (const event of stream) {
    expect(completion, 'nothing comes after the end').toBeUndefined();
    if (event.type === 'text') pieces.push(event.text);
    if (event.type === 'tool-call') calls.push(event.call);
    if (event.type === 'finished') completion = event.completion;
  }
  return { pieces, calls, completion };
}

async function failureOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => 'no failure',
    (error: unknown) => failureClassOf(error) ?? error,
  );
}

/** What every provider keeps, whatever server is behind it. */
export function contract(name: string, open: () => Promise<Subject>): void {
  describe(name, { timeout: SLOW_MS }, () => {
    let subject: Subject;
    beforeAll(async () => {
      subject = await open();
    }, SLOW_MS);
    afterAll(async () => {
      await subject?.close();
    }, SLOW_MS);

    it('answers in one piece', async () => {
      const { text, finishReason, model } = await subject.provider.complete(ask('What is 2+2?'));
      expect(text.trim()).not.toBe('');
      expect(['stop', 'length']).toContain(finishReason);
      expect(model).not.toBe('');
    });

    it('streams pieces that join to the text', async () => {
      const { pieces, completion } = await readAll(subject.provider.stream(ask(STORY)));
      expect(pieces.length).toBeGreaterThan(1);
      expect(pieces.join('')).toBe(completion?.text);
    });

    it('reports usage that is plausible', async () => {
      const { usage } = await subject.provider.complete(ask(STORY));
      const { inputTokens = 0, outputTokens = 0, cachedInputTokens = 0 } = usage;
      expect(inputTokens).toBeGreaterThanOrEqual(8);
      expect(inputTokens).toBeLessThan(200);
      expect(outputTokens).toBeGreaterThan(1);
      expect(outputTokens).toBeLessThanOrEqual(24);
      expect(cachedInputTokens).toBeLessThanOrEqual(inputTokens);
    });

    it('gives the same text for the same seed at temperature 0', async (context) => {
      skipUnless(context, subject.seeds, 'the provider promises no equal texts');
      const first = await subject.provider.complete(ask(STORY));
      const second = await subject.provider.complete(ask(STORY));
      expect(second.text).toBe(first.text);
    });

    it('ends at maxTokens', async () => {
      const { finishReason, usage } = await subject.provider.complete(ask(STORY, { maxTokens: 5 }));
      expect(finishReason).toBe('length');
      expect(usage.outputTokens).toBe(5);
    });

    it('calls a tool that must be called, or leaves it to another provider', async () => {
      const request = ask('Run the tests of cart.test.ts.', {
        tools: [RUN_TESTS],
        toolChoice: 'required',
      });
      if (subject.requiredTools === 'refused') {
        expect(await failureOf(subject.provider.complete(request))).toBe('unsupported');
        return;
      }
      const { calls, completion } = await readAll(subject.provider.stream(request));
      expect(completion?.toolCalls ?? []).toEqual(calls);
      expect(completion?.timing.ttftMs).toBeGreaterThan(0);
      if (subject.requiredTools === 'asked') {
        expect(`${completion?.text}${calls.length}`).not.toBe('0');
        return;
      }
      const [call] = calls;
      expect(call).toMatchObject({ name: 'run_tests', id: expect.stringMatching(/./) });
      expect(JSON.parse(call?.arguments ?? '')).toEqual({ file: 'cart.test.ts' });
      expect(completion).toMatchObject({ finishReason: 'tool-calls' });
    });

    it('goes on after a tool has run, or leaves it to another provider', async () => {
      const toolCalls = [
        { id: 'call_abc123def', name: 'run_tests', arguments: '{"file":"cart.test.ts"}' },
      ];
      const request = ask('Run the tests of cart.test.ts.', {
        tools: [RUN_TESTS],
        toolChoice: 'none',
      });
      const [question] = request.messages;
      const answer = subject.provider.complete({
        ...request,
        messages: [
          question ?? { role: 'user', content: '' },
          { role: 'assistant', content: '', toolCalls },
          {
            role: 'tool',
            content: '2 passed, 1 failed: empty cart.',
            toolCallId: 'call_abc123def',
          },
          { role: 'user', content: 'What failed?' },
        ],
      });
      if (subject.runsWithoutTools) {
        expect(await failureOf(answer)).toBe('unsupported');
        return;
      }
      expect((await answer).text.trim()).not.toBe('');
    });

    it('finishes an aborted stream with the text so far', async () => {
      const controller = new AbortController();
      const pieces: string[] = [];
      let completion: Completion | undefined;
      const request = ask(STORY, { maxTokens: 400 });
      for await (const event of subject.provider.stream(request, { signal: controller.signal })) {
        if (event.type === 'text') pieces.push(event.text);
        if (event.type === 'finished') completion = event.completion;
        if (pieces.length === 3) controller.abort();
      }
      expect(completion?.finishReason).toBe('cancelled');
      expect(completion?.text).toBe(pieces.join(''));
      expect(pieces.length).toBeLessThan(200);
    });

    it('rejects an aborted answer as cancelled, before it began and within', async () => {
      const request = ask(STORY, { maxTokens: 400 });
      const before = subject.provider.complete(request, { signal: AbortSignal.abort() });
      expect(await failureOf(before)).toBe('cancelled');
      const within = subject.provider.complete(request, { signal: AbortSignal.timeout(100) });
      expect(await failureOf(within)).toBe('cancelled');
    });

    it('refuses a prompt that is too long before it is read', async () => {
      const { contextTokens = 0 } = await subject.provider.metadata();
      expect(contextTokens).toBeGreaterThan(0);
      const before = subject.generations?.();
      const request = ask('word '.repeat(contextTokens + 10));
      expect(await failureOf(subject.provider.complete(request))).toBe('context-too-long');
      const after = subject.generations?.();
      expect(after?.answered).toBe(before?.answered);
      // A server that does not count for its clients is asked to refuse instead of cutting the prompt.
      if (subject.countsTokens) expect(after?.sent).toBe(before?.sent);
    });

    it('says that a model is missing', async () => {
      const answer = subject.withoutModel.complete(ask('What is 2+2?'));
      expect(await failureOf(answer)).toBe('model-missing');
    });

    it('says that nobody listens', async (context) => {
      const { withoutServer } = subject;
      skipUnless(context, withoutServer !== undefined, 'the provider has no server');
      expect(await failureOf(withoutServer!.complete(ask('What is 2+2?')))).toBe('transport');
    });

    it('embeds, or says that it does not', async () => {
      const texts = ['The cat sat on the mat.', 'Interest rates rose by two percent.'];
      if (!subject.embeds) {
        expect(await failureOf(subject.provider.embed(texts))).toBe('unsupported');
        return;
      }
      const vectors = await subject.provider.embed(texts);
      expect(vectors).toHaveLength(2);
      const [first = [], second = []] = vectors;
      expect(first.length).toBeGreaterThan(0);
      expect(second).toHaveLength(first.length);
      expect(vectors.flat().every(Number.isFinite)).toBe(true);
      expect(first).not.toEqual(second);
    });

    it('counts tokens, or says that it cannot', async () => {
      const short = await subject.provider.countTokens('one two three');
      if (!subject.countsTokens) {
        expect(short).toBeUndefined();
        return;
      }
      expect(short).toBeGreaterThan(0);
      const long = await subject.provider.countTokens('one two three '.repeat(20));
      expect(long).toBeGreaterThan(short ?? Infinity);
    });

    it('tells whether it is ready', async () => {
      expect(await subject.provider.health()).toMatchObject({ state: 'ready' });
      for (const lame of [subject.withoutModel, subject.withoutServer]) {
        if (lame === undefined) continue;
        const health = await lame.health();
        expect(health).toMatchObject({ state: 'unavailable' });
        expect('hint' in health && health.hint).not.toBe('');
      }
    });

    it('describes itself', async () => {
      const metadata = await subject.provider.metadata();
      expect(metadata.id).toBe(subject.provider.id);
      expect(metadata.contextTokens).toBeGreaterThanOrEqual(512);
      expect(metadata.concurrency).toBeGreaterThanOrEqual(1);
      expect(metadata.replayed).toBe(false);
      expect(Object.keys(metadata.versions).length).toBeGreaterThan(0);
    });

    it('measures its times', async () => {
      const { timing } = await subject.provider.complete(ask(STORY));
      const { measured, ttftMs = 0, totalMs = 0 } = timing;
      expect(measured).toBe(true);
      expect(ttftMs).toBeGreaterThan(0);
      expect(totalMs).toBeGreaterThanOrEqual(ttftMs);
    });

    it('answers two calls at once', async () => {
      const [story, sum] = await Promise.all([
        readAll(subject.provider.stream(ask(STORY))),
        readAll(subject.provider.stream(ask('What is 2+2?'))),
      ]);
      for (const { pieces, completion } of [story, sum]) {
        expect(pieces.join('')).toBe(completion?.text);
        expect(completion?.text.trim()).not.toBe('');
      }
      expect(story.completion?.text).not.toBe(sum.completion?.text);
    });

    // The last one: nothing can be asked afterwards.
    it('shuts down twice', async () => {
      await subject.provider.shutdown();
      await subject.provider.shutdown();
    });
  });
}

function skipUnless(context: TestContext, applies: boolean, why: string): void {
  if (!applies) context.skip(why);
}
