import { expect, test } from 'vitest';
import { loadConfig, type LoadedConfig } from '../../src/config/load.ts';
import { catalogue } from '../../src/config/catalogue.ts';
import { interview, type Choice, type Prompts } from '../../src/setup/interview.ts';
import { listModels } from '../../src/setup/model-list.ts';
import type { ServerLook } from '../../src/setup/servers/look.ts';
import type { SetupTools, Survey } from '../../src/setup/setup-tools.ts';
import { temporaryFolder } from './temporary-folder.ts';

const OLLAMA: ServerLook = {
  name: 'ollama',
  kind: 'ollama',
  url: 'http://127.0.0.1:11434',
  state: 'up',
  models: [{ name: 'qwen2.5-coder:7b', bytes: 4.7e9 }],
};

function surveyOf(looks: readonly ServerLook[]): Survey {
  const memory = { totalBytes: 32e9, availableBytes: 20e9 };
  return {
    hardware: { platform: 'linux', memory, cores: 4, freeDiskBytes: 1e12 },
    gpus: [{ name: 'A10', vramBytes: 24e9 }],
    looks,
    models: listModels({
      files: catalogue,
      present: new Set(['qwen2.5-coder-0.5b-instruct']),
      machine: { memoryBytes: memory.availableBytes, vramBytes: 24e9 },
      looks,
    }),
  };
}

/** Answers in turn: the beginning of a choice's name, a yes or no, or a text; '' takes what is offered. */
function scripted(answers: readonly (string | boolean)[]): Prompts & { asked: string[] } {
  const left = [...answers];
  const asked: string[] = [];
  const next = (question: string): string | boolean => {
    asked.push(question);
    const answer = left.shift();
    if (answer === undefined) throw new Error(`no answer to: ${question}`);
    return answer;
  };
  return {
    asked,
    select: async <Value>(message: string, choices: readonly Choice<Value>[]): Promise<Value> => {
      const names = choices.map(({ name }) => name);
      const wanted = next(`${message} ${names.join(' | ')}`);
      const choice = choices.find(({ name }) => name.startsWith(String(wanted)));
      if (choice === undefined) throw new Error(`no such choice: ${wanted} of ${names.join()}`);
      return choice.value;
    },
    confirm: async (message, preset) => {
      const answer = next(message);
      return answer === '' ? preset : answer === true;
    },
    text: async (message, preset, complaint) => {
      for (;;) {
        const text = String(next(message)) || preset;
        const wrong = complaint(text);
        if (wrong === undefined) return text;
        asked.push(wrong);
      }
    },
    say: (text) => void asked.push(text),
  };
}

const TOOLS: Pick<SetupTools, 'identify' | 'lookAtServer' | 'checkKey'> = {
  identify: async () => undefined,
  lookAtServer: async () => OLLAMA,
  checkKey: async () => ({ state: 'valid' }),
};

async function interviewed(
  answers: readonly (string | boolean)[],
  {
    looks = [OLLAMA],
    tools = {},
    config = {},
    key = false,
  }: {
    looks?: readonly ServerLook[];
    tools?: Partial<typeof TOOLS>;
    config?: Partial<LoadedConfig>;
    key?: boolean;
  } = {},
): Promise<{ answers: object; asked: string[] }> {
  const prompts = scripted(answers);
  const loaded = await loadConfig({ cwd: await temporaryFolder(), env: {}, flags: {} });
  const result = await interview({
    prompts,
    tools: { ...TOOLS, ...tools },
    survey: surveyOf(looks),
    config: { ...loaded, ...config },
    cores: 4,
    isSet: (variable) => key && variable === 'ANTHROPIC_API_KEY',
  });
  return { answers: result, asked: prompts.asked };
}

test('a served model, and no key: two questions', async () => {
  const { answers, asked: said } = await interviewed(['ollama: qwen', 'None']);
  expect(answers).toEqual({ direct: 'ollama:qwen2.5-coder:7b' });
  expect(said[0]).toBe(
    'This machine: 4 cores, 20.00 GB of memory available, A10 with 24.00 GB\nServers: ollama up (models: 1)',
  );
  expect(said).toContain('ANTHROPIC_API_KEY is not set.');
});

test('a model file asks for threads; the usual number is not written down', async () => {
  expect((await interviewed(['built in: Qwen2.5-Coder 0.5B', '', 'None'])).answers).toEqual({
    direct: 'embedded',
    embedded: { model: 'qwen2.5-coder-0.5b-instruct' },
  });
  const { answers, asked: said } = await interviewed(['built in', 'many', '2', 'None'], {
    looks: [],
  });
  expect(answers).toMatchObject({ threads: 2 });
  expect(said).toContain('A whole number from 1 on.');
});

test('a model to fetch: those that fit and are not here, the recommended one first', async () => {
  const { answers, asked: said } = await interviewed(['ollama: fetch', 'rnj-1', 'None']);
  expect(answers).toEqual({ direct: 'ollama:rnj-1' });
  const offered = said.find((line) => line.startsWith('Which model is fetched?'));
  expect(offered).toMatch(
    /^Which model is fetched\? devstral-small-2, ~15 GB \(recommended here\)/,
  );
  expect(offered).not.toMatch(/devstral-2,|qwen2\.5-coder:7b|qwen2\.5-coder:32b/);
  expect((await interviewed(['ollama: fetch', 'Another', 'phi4', 'None'])).answers).toEqual({
    direct: 'ollama:phi4',
  });
});

test('a server at another address is looked at, named and remembered', async () => {
  const gpu = { kind: 'openai-compatible', url: 'http://gpu:8000' } as const;
  const tools: Partial<typeof TOOLS> = {
    identify: async (url) => (url === gpu.url ? gpu : undefined),
    lookAtServer: async (name) => ({ name, ...gpu, state: 'up', models: [{ name: 'qwen' }] }),
  };
  const { answers, asked: said } = await interviewed(
    [
      'A server',
      'gpu:8000',
      'http://dead:1',
      'A server',
      'http://gpu:8000/',
      'vllm',
      'gpu',
      'qwen',
      'None',
    ],
    { tools },
  );
  expect(answers).toEqual({ servers: { gpu }, direct: 'gpu:qwen' });
  expect(said).toContain('An http or https address, please, without /v1.');
  expect(said).toContain('No model is served at http://dead:1.');
  expect(said).toContain(
    'Lower-case letters, digits and hyphens, and not the name of another server.',
  );
});

test('a key is checked only on a yes, and what came of it is said', async () => {
  let checks = 0;
  const tools: Partial<typeof TOOLS> = {
    checkKey: async () => {
      checks += 1;
      return { state: 'refused', status: 401 };
    },
  };
  const no = await interviewed(['ollama: qwen', '', 'claude-sonnet'], { tools, key: true });
  expect({ checks, answers: no.answers }).toMatchObject({
    checks: 0,
    answers: { cloud: 'anthropic:claude-sonnet-5-5' },
  });
  const yes = await interviewed(['ollama: qwen', true, 'Another', 'claude-x'], {
    tools,
    key: true,
  });
  expect({ checks, answers: yes.answers }).toMatchObject({
    checks: 1,
    answers: { cloud: 'anthropic:claude-x' },
  });
  expect(yes.asked).toContain('ANTHROPIC_API_KEY is refused (HTTP 401).');
});

test('asked again, what stands is the first choice and stays', async () => {
  const tiers = { direct: 'ollama:rnj-1', cloud: 'anthropic:claude-x' };
  const { answers, asked: said } = await interviewed(['Leave it', 'Leave it'], {
    config: { tiers },
  });
  expect(answers).toEqual({});
  expect(said.join('\n')).toContain('Leave it: ollama:rnj-1 | ollama: qwen2.5-coder:7b');
});
