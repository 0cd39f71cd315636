import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configJsonSchema, CONFIG_SCHEMA_URL } from '../../src/config/json-schema.ts';
import { loadConfig } from '../../src/config/load.ts';
import { updateConfig, type ConfigChanges } from '../../src/config/write.ts';
import { AppError, type Problem } from '../../src/core/errors.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(path.join(tmpdir(), 'aqe-config-'));
});
afterEach(() => {
  rmSync(cwd, { recursive: true, force: true });
});

const write = (config: unknown, file = 'aqe-llm.config.json'): void => {
  writeFileSync(path.join(cwd, file), typeof config === 'string' ? config : JSON.stringify(config));
};
const load = (env = {}, flags = {}) => loadConfig({ cwd, env, flags });
const problemsOf = async (env = {}, flags = {}): Promise<readonly Problem[]> => {
  const error: unknown = await load(env, flags).catch((thrown: unknown) => thrown);
  if (!(error instanceof AppError)) throw new Error('expected an AppError');
  expect(error.exitCode).toBe(2);
  return error.problems;
};

describe('loadConfig', () => {
  it('needs no file', async () => {
    const config = await load();
    expect(config.file).toBe(path.join(cwd, 'aqe-llm.config.json'));
    expect(config.state).toBe(path.join(cwd, '.aqe-llm'));
    expect(config.baseline).toMatchObject({ candidate: 'embedded', reference: 'replay:gold' });
  });

  it('lets flags win over the environment, and that over the file', async () => {
    write({ state: 'from-file', embedded: { threads: 1 } });
    const inFile = await load();
    expect(inFile).toMatchObject({ state: path.join(cwd, 'from-file'), embedded: { threads: 1 } });
    const env = { AQE_LLM_STATE: 'from-env', AQE_LLM_THREADS: '2' };
    expect(await load(env)).toMatchObject({
      state: path.join(cwd, 'from-env'),
      embedded: { threads: 2 },
    });
    expect(await load(env, { state: '/from-flag', threads: 3 })).toMatchObject({
      state: '/from-flag',
      embedded: { threads: 3 },
    });
  });

  it('takes paths relative to the file that holds them', async () => {
    write({
      embedded: { model: 'models/own.gguf' },
      baseline: { suite: 'suites/ours', candidate: 'embedded:other.gguf' },
    });
    const config = await load();
    expect(config.baseline.candidate).toBe(`embedded:${path.join(cwd, 'other.gguf')}`);
    expect(config.embedded.model).toBe(path.join(cwd, 'models/own.gguf'));
    expect(config.baseline.suite).toBe(path.join(cwd, 'suites/ours'));
  });

  it('names every problem by its dotted path', async () => {
    write({
      stat: 'x',
      embedded: { threads: 0, gpu: 'yes', model: '' },
      baseline: { candidate: 'gpt', sede: 1 },
    });
    const paths = (await problemsOf({ AQE_LLM_THREADS: 'many' })).map((problem) => problem.path);
    expect(paths).toEqual(
      expect.arrayContaining([
        'stat',
        'embedded.threads',
        'embedded.gpu',
        'embedded.model',
        'baseline.candidate',
        'baseline.sede',
        'AQE_LLM_THREADS',
      ]),
    );
  });

  it.each(['', '{', '[]', '"text"', 'null'])('refuses %j', async (text) => {
    write(text);
    expect(await problemsOf()).not.toEqual([]);
  });

  it('refuses a file that was named and is not there, or is a folder', async () => {
    await expect(load({}, { config: 'missing.json' })).rejects.toThrow(/cannot be read/);
    await expect(load({ AQE_LLM_CONFIG: '.' })).rejects.toThrow(/cannot be read/);
  });

  it('counts an empty variable as absent', async () => {
    expect(
      (await load({ AQE_LLM_THREADS: '', AQE_LLM_STATE: '' })).embedded.threads,
    ).toBeUndefined();
  });
});

describe('updateConfig', () => {
  const file = (): string => path.join(cwd, 'aqe-llm.config.json');
  const update = (changes: ConfigChanges): Promise<void> =>
    updateConfig(file(), changes, 'schema.json');

  it('writes a file that loads', async () => {
    await update({ embedded: { model: 'some-model' } });
    expect((await load()).embedded.model).toBe('some-model');
    expect(JSON.parse(readFileSync(file(), 'utf8'))).toHaveProperty('$schema', 'schema.json');
  });

  it('keeps every other key, their order and the indentation', async () => {
    write(
      '{\n    "state": "s",\n    "$schema": "own.json",\n    "embedded": { "threads": 4, "model": "old" },\n    "tiers": { "cloud": "anthropic:a" }\n}\n',
    );
    await update({ embedded: { model: 'new' }, tiers: { direct: 'ollama:b' } });
    expect(readFileSync(file(), 'utf8')).toBe(
      `${JSON.stringify(
        {
          state: 's',
          $schema: 'own.json',
          embedded: { threads: 4, model: 'new' },
          tiers: { cloud: 'anthropic:a', direct: 'ollama:b' },
        },
        null,
        4,
      )}\n`,
    );
  });

  it('writes through a link, and leaves nothing else behind', async () => {
    write({ state: 's' }, 'real.json');
    symlinkSync('real.json', file());
    await update({ tiers: { direct: 'embedded' } });
    expect(lstatSync(file()).isSymbolicLink()).toBe(true);
    expect((await load()).tiers.direct).toBe('embedded');
    expect(readdirSync(cwd).toSorted()).toEqual(['aqe-llm.config.json', 'real.json']);
  });

  it('refuses what would not load, and keeps the file', async () => {
    write({ state: 's' });
    await expect(update({ tiers: { direct: 'nothing' } })).rejects.toThrow(
      expect.objectContaining({
        code: 'config.invalid',
        problems: [expect.objectContaining({ path: 'tiers.direct' })],
      }),
    );
    expect(JSON.parse(readFileSync(file(), 'utf8'))).toEqual({ state: 's' });
  });

  it('says where it cannot write', async () => {
    await expect(updateConfig(path.join(cwd, 'no/such/folder.json'), {}, '')).rejects.toThrow(
      /cannot be written/,
    );
  });
});

describe('the JSON Schema', () => {
  it('in the package is the one that the configuration is checked by', () => {
    expect(JSON.parse(readFileSync(CONFIG_SCHEMA_URL, 'utf8'))).toEqual(
      JSON.parse(JSON.stringify(configJsonSchema())),
    );
  });
});
