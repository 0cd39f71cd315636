import { spawn } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Completion, CompletionRequest, Usage } from '../../../src/core/request.ts';
import { compiledEntry } from '../../../src/core/compiled-entry.ts';
import { createEmbeddedProvider } from '../../../src/providers/embedded/embedded-provider.ts';
import type { EmbeddedProviderOptions } from '../../../src/providers/embedded/embedded-provider.ts';
import { failureClassOf } from '../../../src/providers/failure.ts';
import type { Provider } from '../../../src/providers/provider.ts';
import { engineOf, enginesOf, isAlive, machineClock, until } from './processes.ts';
import { writePooledModel } from './pooled-model.ts';
import { testModelPath } from './test-model.ts';

const SLOW = 120_000;
const CONTEXT_TOKENS = 512;

function newProvider(options: Partial<EmbeddedProviderOptions> = {}): Provider {
  return createEmbeddedProvider({
    modelId: 'smollm2-135m-instruct',
    modelPath: testModelPath(),
    threads: 1,
    contextTokens: CONTEXT_TOKENS,
    gpu: 'off',
    environment: { ...process.env, ANTHROPIC_API_KEY: 'sk-ant-not-for-the-engine' },
    clock: machineClock,
    ...options,
  });
}

function ask(content: string, options: Partial<CompletionRequest> = {}): CompletionRequest {
  return {
    messages: [{ role: 'user', content }],
    maxTokens: 40,
    temperature: 0,
    seed: 7,
    repeat: 0,
    ...options,
  };
}

const STORY = 'Tell a very long story about a lighthouse keeper.';

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'no failure',
    (error: unknown) => error,
  );
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aqe-llm-embedded-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe('a provider with a loaded model', { timeout: SLOW }, () => {
  const provider = newProvider();
  afterAll(() => provider.shutdown());

  it('answers, with exact usage and measured times', async () => {
    const answer = await provider.complete(ask('What is 2+2?'));
    expect(answer).toMatchObject({ model: 'smollm2-135m-instruct', finishReason: 'stop' });
    expect(answer.text).toContain('4');
    expect(answer.text).not.toContain('<|im_end|>');
    // The file's template adds its own system message to this question.
    expect(answer.usage.inputTokens).toBeGreaterThan(30);
    expect(answer.usage.outputTokens).toBe((await provider.countTokens(answer.text))! + 1);
    expect(answer.usage.cachedInputTokens).toBe(0);
    const { ttftMs = Infinity, totalMs = 0, measured } = answer.timing;
    expect(measured).toBe(true);
    expect(ttftMs).toBeLessThanOrEqual(totalMs);
  });

  it('describes itself', async () => {
    expect(await provider.metadata()).toMatchObject({
      id: 'embedded:smollm2-135m-instruct',
      contextTokens: CONTEXT_TOKENS,
      concurrency: 1,
      replayed: false,
      versions: {
        engine: expect.stringMatching(/^node-llama-cpp \d/),
        quantisation: 'Q4_1',
        gpu: 'none',
        threads: '1',
        contextTokens: String(CONTEXT_TOKENS),
      },
    });
    expect(await provider.health()).toMatchObject({ state: 'ready' });
  });

  it('honours a system message', async () => {
    const question = ask('Say hello.', { maxTokens: 1 });
    const told = await provider.complete({
      ...question,
      messages: [{ role: 'system', content: 'Be brief.' }, ...question.messages],
    });
    const bare = await provider.complete(question);
    expect(told.usage.inputTokens).not.toBe(bare.usage.inputTokens);
  });

  it('streams pieces that join to the same text', async () => {
    const pieces: string[] = [];
    let finished: Completion | undefined;
    for await (const event of provider.stream(ask('Name three colours, with an emoji each.'))) {
      expect(finished).toBeUndefined();
      if (event.type === 'text') pieces.push(event.text);
      else if (event.type === 'finished') finished = event.completion;
    }
    expect(pieces.length).toBeGreaterThan(5);
    expect(pieces.join('')).toBe(finished?.text);
    const whole = await provider.complete(ask('Name three colours, with an emoji each.'));
    expect(whole.text).toBe(finished?.text);
  });

  it.each([0, 0.7])(
    'gives the same text again at temperature %d, whatever ran between',
    async (temperature) => {
      const question = ask(STORY, { temperature, maxTokens: 32 });
      const first = await provider.complete(question);
      await provider.complete(
        ask('Write a limerick.', { temperature: 1, seed: 99, maxTokens: 16 }),
      );
      const between = await provider.complete(
        ask('Tell a very long story about a lighthouse.', { temperature, maxTokens: 32 }),
      );
      const second = await provider.complete(question);
      const third = await provider.complete(question);
      expect(between.text).not.toBe(first.text);
      expect(second.text).toBe(first.text);
      expect(third.text).toBe(first.text);
    },
  );

  it('gives other texts for other seeds, also for the seed that llama.cpp reads as random', async () => {
    const texts = [];
    for (const seed of [1, 2, 0xffff_ffff, 0xffff_ffff]) {
      texts.push(
        (await provider.complete(ask(STORY, { temperature: 0.9, seed, maxTokens: 12 }))).text,
      );
    }
    expect(texts[0]).not.toBe(texts[1]);
    expect(texts[2]).toBe(texts[3]);
  });

  it('stops at maxTokens', async () => {
    const answer = await provider.complete(ask(STORY, { maxTokens: 6 }));
    expect(answer).toMatchObject({ finishReason: 'length', usage: { outputTokens: 6 } });
    const nothing = await provider.complete(ask(STORY, { maxTokens: 0 }));
    expect(nothing).toMatchObject({ finishReason: 'length', text: '', usage: { outputTokens: 0 } });
  });

  it('refuses a prompt that leaves no room, and fills the context to the brim otherwise', async () => {
    const error = await failureOf(provider.complete(ask('word '.repeat(1_000))));
    expect(failureClassOf(error)).toBe('context-too-long');
    expect(String(error)).toMatch(/10\d\d tokens .* 512/);
    const answer = await provider.complete(ask('word '.repeat(440), { maxTokens: 5_000 }));
    const { inputTokens = 0, outputTokens = 0 } = answer.usage;
    expect(inputTokens + outputTokens).toBeLessThan(CONTEXT_TOKENS);
    if (answer.finishReason === 'length')
      expect(inputTokens + outputTokens).toBe(CONTEXT_TOKENS - 1);
  });

  it('ends a cancelled stream with the text so far, and goes on answering', async () => {
    const abort = new AbortController();
    let text = '';
    let finished: Completion | undefined;
    for await (const event of provider.stream(ask(STORY, { maxTokens: 400 }), abort)) {
      if (event.type === 'finished') finished = event.completion;
      else if (event.type === 'text') {
        text += event.text;
        if (text.length > 20) abort.abort();
      }
    }
    expect(finished).toMatchObject({ finishReason: 'cancelled', text });
    expect(finished?.usage.outputTokens).toBeLessThan(400);
    expect((await provider.complete(ask('Hi!', { maxTokens: 2 }))).usage.outputTokens).toBe(2);
  });

  it('rejects a cancelled completion, before and while it runs', async () => {
    const running = new AbortController();
    const answer = failureOf(provider.complete(ask(STORY, { maxTokens: 400 }), running));
    const queued = new AbortController();
    const waiting = failureOf(provider.complete(ask(STORY, { maxTokens: 400 }), queued));
    const last = provider.complete(ask('Hi!', { maxTokens: 2 }));
    queued.abort();
    expect(failureClassOf(await waiting)).toBe('cancelled');
    running.abort();
    expect(failureClassOf(await answer)).toBe('cancelled');
    expect((await last).finishReason).toBe('length');
    const early = failureOf(provider.complete(ask(STORY), { signal: AbortSignal.abort() }));
    expect(failureClassOf(await early)).toBe('cancelled');
  });

  it('stops generating when the reader leaves the stream', async () => {
    for await (const event of provider.stream(ask(STORY, { maxTokens: 400 }))) {
      if (event.type === 'text') break;
    }
    const next = await provider.complete(ask('Hi!', { maxTokens: 2 }));
    expect(next.finishReason).toBe('length');
  });

  it('answers two requests that come at once', async () => {
    const [one, two] = await Promise.all([
      provider.complete(ask('What is 2+2?')),
      provider.complete(ask('Hello!', { maxTokens: 3 })),
    ]);
    expect(one.text).toContain('4');
    expect(two).toMatchObject({ finishReason: 'length', usage: { outputTokens: 3 } });
  });

  it('has no embeddings', async () => {
    const error = await failureOf(provider.embed(['text']));
    expect(failureClassOf(error)).toBe('unsupported');
  });

  it.skipIf(process.platform !== 'linux')('keeps keys from the engine', async () => {
    const environment = await readFile(`/proc/${engineOf(process.pid)}/environ`, 'utf8');
    expect(environment).toContain('PATH=');
    expect(environment).not.toContain('ANTHROPIC_API_KEY');
    expect(environment).not.toContain('sk-ant-not-for-the-engine');
  });

  it('fails the call whose engine is killed, and answers the next', async () => {
    const pieces = provider.stream(ask(STORY, { maxTokens: 400 }))[Symbol.asyncIterator]();
    await pieces.next();
    process.kill(engineOf(process.pid), 'SIGKILL');
    const error = await failureOf(
      (async () => {
        while ((await pieces.next()).done !== true);
      })(),
    );
    expect(failureClassOf(error)).toBe('engine-crashed');
    expect(String(error)).toContain('SIGKILL');
    const answer = await provider.complete(ask('What is 2+2?'));
    expect(answer.text).toContain('4');
  });

  it('ends its engine, twice if asked, and answers no more', async () => {
    const engine = engineOf(process.pid);
    const running = failureOf(provider.complete(ask(STORY, { maxTokens: 400 })));
    await provider.shutdown();
    await provider.shutdown();
    expect(isAlive(engine)).toBe(false);
    expect(failureClassOf(await running)).toBe('cancelled');
    expect(failureClassOf(await failureOf(provider.countTokens('x')))).toBe('cancelled');
  });
});

describe('an embedding model', { timeout: SLOW }, () => {
  it('gives one vector per text and writes none', async () => {
    const modelPath = join(folder, 'pooled.gguf');
    await writePooledModel(testModelPath(), modelPath, 'llama');
    const provider = newProvider({ modelPath });
    try {
      const texts = [
        'Generate unit tests for a parser',
        'Write tests for a parser',
        'Bananas!',
        '',
      ];
      let used: Usage = {};
      const vectors = await provider.embed(texts, { onUsage: (usage) => (used = usage) });
      expect(vectors.map((vector) => vector.length)).toEqual([576, 576, 576, 576]);
      expect(used.inputTokens).toBeGreaterThan(9);
      expect(used.outputTokens).toBe(0);
      const [parser = [], alike = [], other = [], empty = []] = vectors;
      expect(cosine(parser, alike)).toBeGreaterThan(cosine(parser, other));
      expect(new Set(empty)).toEqual(new Set([0]));
      const long = await failureOf(provider.embed(['word '.repeat(1_000)]));
      expect(failureClassOf(long)).toBe('context-too-long');
      expect(failureClassOf(await failureOf(provider.complete(ask('Hi!'))))).toBe('unsupported');
    } finally {
      await provider.shutdown();
    }
  });

  function cosine(a: readonly number[], b: readonly number[]): number {
    const dot = (x: readonly number[], y: readonly number[]): number =>
      x.reduce((sum, value, index) => sum + value * (y[index] ?? 0), 0);
    return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  }
});

describe('a model that cannot be loaded', { timeout: SLOW }, () => {
  it.each([
    ['missing', 'model-missing', async () => {}],
    ['empty', 'model-unreadable', (path: string) => writeFile(path, '')],
    ['text', 'model-unreadable', (path: string) => writeFile(path, 'I am no model.')],
    ['header', 'model-unreadable', (path: string) => writeFile(path, 'GGUF\u0003')],
  ])('that is %s is %s', async (name, failure, prepare) => {
    const modelPath = join(folder, `${name}.gguf`);
    await prepare(modelPath);
    await expectUnusable(modelPath, failure);
  });

  it('that is a folder is model-unreadable', () => expectUnusable(folder, 'model-unreadable'));

  it('that was cut off is model-unreadable, and loads once it is mended', async () => {
    const modelPath = join(folder, 'cut.gguf');
    await copyFile(testModelPath(), modelPath);
    await truncate(modelPath, 49_000_000);
    const provider = newProvider({ modelPath });
    try {
      const error = await failureOf(provider.complete(ask('Hi!')));
      expect(failureClassOf(error)).toBe('model-unreadable');
      expect(error).toHaveProperty('hint', expect.stringContaining('aqe-llm setup'));
      await copyFile(testModelPath(), modelPath);
      expect(await provider.countTokens('one two three')).toBe(3);
    } finally {
      await provider.shutdown();
    }
  });

  async function expectUnusable(modelPath: string, failure: string): Promise<void> {
    const provider = newProvider({ modelPath });
    try {
      const error = await failureOf(provider.complete(ask('Hi!')));
      expect(failureClassOf(error)).toBe(failure);
      expect(error).toHaveProperty('hint', expect.stringContaining('aqe-llm setup'));
    } finally {
      await provider.shutdown();
    }
  }
});

describe('the engine process', { timeout: SLOW }, () => {
  it('lets a call be cancelled while the model loads', async () => {
    const provider = newProvider();
    const abort = new AbortController();
    const events = provider.stream(ask(STORY), abort)[Symbol.asyncIterator]();
    const first = events.next();
    await until('the engine has started', () => enginesOf(process.pid).length === 1);
    abort.abort();
    expect(await first).toMatchObject({
      value: { type: 'finished', completion: { finishReason: 'cancelled', text: '' } },
    });
    await provider.shutdown();
    expect(enginesOf(process.pid)).toEqual([]);
  });

  it('dies with a parent that is killed, ignores Ctrl-C, and holds nobody up', async () => {
    const script = join(folder, 'parent.mjs');
    const module = compiledEntry(
      new URL('../../../src/providers/embedded/x.ts', import.meta.url).href,
      './embedded-provider.js',
    );
    await writeFile(
      script,
      `import { createEmbeddedProvider } from ${JSON.stringify(module.href)};
       const clock = { now: Date.now, monotonic: () => performance.now(), sleep: () => new Promise(() => {}) };
       const provider = createEmbeddedProvider({ modelId: 'm', modelPath: ${JSON.stringify(testModelPath())},
         threads: 1, contextTokens: 512, gpu: 'off', environment: process.env, clock });
       const request = { messages: [{ role: 'user', content: ${JSON.stringify(STORY)} }], temperature: 0, seed: 1, repeat: 0 };
       await provider.complete({ ...request, maxTokens: 1 });
       if (process.argv[2] === 'idle') console.log('answered');
       else for await (const event of provider.stream({ ...request, maxTokens: 400 })) console.log(event.type);`,
    );

    const busy = spawn(process.execPath, [script, 'busy'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await nextLine(busy.stdout);
    const engine = engineOf(busy.pid!);
    process.kill(engine, 'SIGINT');
    await nextLine(busy.stdout);
    expect(isAlive(engine)).toBe(true);
    busy.kill('SIGKILL');
    await until('the engine is gone', () => !isAlive(engine));

    const idle = spawn(process.execPath, [script, 'idle'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exit = new Promise((resolve) => {
      idle.once('exit', resolve);
    });
    expect(await nextLine(idle.stdout)).toBe('answered');
    expect(await exit).toBe(0);
  });
});

async function nextLine(stream: NodeJS.ReadableStream): Promise<string> {
  const lines = createInterface({ input: stream });
  return new Promise((resolve) => {
    lines.once('line', (line) => {
      lines.close();
      resolve(line);
    });
  });
}
