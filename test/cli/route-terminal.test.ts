import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { testModelPath } from '../providers/embedded/test-model.ts';
import { startModelServer, type ModelServer } from '../routing/model-server.ts';
import { BIN, spawnCli } from './run-cli.ts';
import { TemporaryFolders } from './temporary-folders.ts';

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
// util-linux's `script` gives a program a terminal of its own.
const hasScript = /util-linux/.test(spawnSync('script', ['--version']).stdout?.toString() ?? '');

const folders = new TemporaryFolders();
let cwd: string;
beforeEach(async () => {
  cwd = await folders.make();
});
afterAll(() => folders.remove());

async function project(): Promise<ModelServer> {
  const server = await startModelServer('near');
  const servers = { near: { kind: 'openai-compatible', url: server.url } };
  const config = { servers, tiers: { direct: 'near:m', orchestrated: 'near:m' } };
  await writeFile(path.join(cwd, 'aqe-llm.config.json'), JSON.stringify(config));
  return server;
}

/** The program on a terminal that types what it is told. */
function onTerminal(...args: string[]) {
  const command = `stty cols 80; exec '${process.execPath}' '${BIN}' route ${args.join(' ')}`;
  const child = spawn('script', ['-qfec', command, '/dev/null'], {
    cwd,
    env: { ...process.env, TERM: 'xterm', NO_COLOR: '1', CI: undefined },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let screen = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => (screen += piece));
  return {
    type: (text: string) => child.stdin.write(text),
    shows: (pattern: RegExp) =>
      expect.poll(() => pattern.test(screen) || screen, { timeout: 60_000 }).toBe(true),
    ended: once(child, 'close').then(([code]: unknown[]) => code),
  };
}

describe.skipIf(!hasScript)('route chat on a terminal', () => {
  it('asks, answers, stops an answer and leaves with the totals', async () => {
    const server = await project();
    const chat = onTerminal('chat', '--session', 's');
    await chat.shows(/Session s · \/help/);
    chat.type('One\r');
    await chat.shows(/near: One\r\ndirect · near:m · /);
    server.mood = 'hang';
    chat.type('Two\r');
    await expect.poll(() => server.chats.length, { timeout: 20_000 }).toBe(2);
    chat.type(CTRL_C);
    await chat.shows(/cancelled · direct[\s\S]*Stopped: what was said last is not part/);
    server.mood = 'well';
    chat.type(`half a line${CTRL_C}`);
    chat.type('Three\r');
    await chat.shows(/near: Three\r\n/);
    expect(server.chats.at(-1)?.map(({ content }) => content)).toEqual([
      'One',
      'near: One',
      'Three',
    ]);
    chat.type(CTRL_D);
    await chat.shows(/3 turns · .*\r\nGo on with: aqe-llm route chat --session s\r\n/);
    expect(await chat.ended).toBe(0);
  });

  it('leaves on a second Ctrl-C', async () => {
    await project();
    const chat = onTerminal('chat');
    await chat.shows(/Session /);
    chat.type(CTRL_C);
    await chat.shows(/Ctrl-C again leaves\./);
    chat.type(CTRL_C);
    expect(await chat.ended).toBe(0);
  });

  it('stops one prompt with 130', async () => {
    const server = await project();
    server.mood = 'hang';
    const asked = onTerminal('Hi');
    await expect.poll(() => server.chats.length, { timeout: 20_000 }).toBe(1);
    asked.type(CTRL_C);
    await asked.shows(/cancelled · direct · near:m/);
    expect(await asked.ended).toBe(130);
  });
});

describe('route as a process', () => {
  it('answers from the model inside, and tells how', async () => {
    const config = { embedded: { model: testModelPath(), threads: 1 } };
    await writeFile(path.join(cwd, 'aqe-llm.config.json'), JSON.stringify(config));
    const asked = spawnCli(['route', 'Say hello.', '--max-tokens', '12', '--seed', '1'], { cwd });
    expect(await asked.ended).toBe(0);
    expect(asked.stdout()).toMatch(/\S.*\n$/s);
    const id = / id (\w{12})\n$/.exec(asked.stderr())?.[1] ?? '';
    const explained = spawnCli(['route', 'explain', id], { cwd });
    expect(await explained.ended).toBe(0);
    expect(explained.stdout()).toMatch(/ 1 ✓ direct +embedded:SmolLM2/);
  });

  it('says nothing of a reader that has seen enough', async () => {
    await project();
    const asked = spawnCli(['route', `Say ${'word '.repeat(2000)}`], { cwd });
    asked.child.stdout?.destroy();
    expect(await asked.ended).toBe(0);
    expect(asked.stderr()).not.toContain('EPIPE');
  });
});
