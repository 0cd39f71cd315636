import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { findModel } from '../../src/config/catalogue.ts';
import { compiledEntry } from '../../src/core/compiled-entry.ts';
import { modelPath, modelSettings } from '../../src/setup/model-folder.ts';

/** The cache folder as a process of its own sees it: the platform's rules read that process's environment. */
function cacheFolderWith(env: Record<string, string>): string {
  const module = compiledEntry(
    new URL('../../src/setup/model-folder.ts', import.meta.url).href,
    './model-folder.js',
  ).href;
  return execFileSync(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `const { modelSettings } = await import(${JSON.stringify(module)});
       process.stdout.write(modelSettings(process.env, process.env.HOME).cacheFolder);`,
    ],
    { env: { HOME: '/home/ada', ...env }, encoding: 'utf8' },
  );
}

describe.runIf(process.platform === 'linux')('the shared cache on Linux', () => {
  test('lies in XDG_CACHE_HOME', () => {
    expect(cacheFolderWith({ XDG_CACHE_HOME: '/big/cache' })).toBe('/big/cache/aqe-llm');
  });
  test.each([{}, { XDG_CACHE_HOME: '' }, { XDG_CACHE_HOME: 'relative' }])(
    'lies in ~/.cache with %o',
    (env) => {
      expect(cacheFolderWith(env)).toBe('/home/ada/.cache/aqe-llm');
    },
  );
  test('AQE_LLM_CACHE comes first', () => {
    expect(cacheFolderWith({ XDG_CACHE_HOME: '/big/cache', AQE_LLM_CACHE: '/mine' })).toBe('/mine');
  });
});

test('models lie in a folder of the cache under their own names', () => {
  const settings = modelSettings({ AQE_LLM_CACHE: '/mine' }, '/home/ada');
  expect(modelPath(settings, findModel('smollm2-135m-instruct'))).toBe(
    '/mine/models/SmolLM2-135M-Instruct.Q4_1.gguf',
  );
});

test('Hugging Face’s and Ollama’s own variables are honoured', () => {
  const settings = modelSettings(
    {
      HF_ENDPOINT: 'https://mirror.example/hf/',
      HF_TOKEN: 'hf_x',
      HF_HOME: '/hf',
      HF_HUB_OFFLINE: '1',
      OLLAMA_MODELS: '/ollama',
    },
    '/home/ada',
  );
  expect(settings.huggingFace).toEqual({
    endpoint: 'https://mirror.example/hf',
    token: 'hf_x',
    offline: true,
    cacheFolder: '/hf/hub',
  });
  expect(settings.ollamaFolders.slice(0, 2)).toEqual(['/ollama', '/home/ada/.ollama/models']);
});

test('without variables the usual places count', () => {
  const { huggingFace } = modelSettings({ XDG_CACHE_HOME: '/c', HF_TOKEN: '' }, '/home/ada');
  expect(huggingFace).toEqual({
    endpoint: 'https://huggingface.co',
    offline: false,
    cacheFolder: '/c/huggingface/hub',
  });
});
