import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Sandbox } from '../../../src/quality/sandbox/sandbox.ts';
import {
  limits,
  processesMentioning,
  runProgram,
  sandboxOfTier,
  temporaryFolder,
  until,
  usableTiers,
} from './machine.ts';

const tiers = await usableTiers();

it(`finds a sandbox to test (here: ${tiers.join(', ')})`, () => {
  if (process.platform !== 'linux') return;
  const message =
    'install bubblewrap or allow user namespaces: without one of them the sandbox is not tested';
  expect(tiers.includes('bubblewrap') || tiers.includes('namespaces'), message).toBe(true);
});

describe.each(tiers)('tier %s', (tier) => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let jobs: string;
  let sandbox: Sandbox;

  beforeAll(async () => {
    folder = await temporaryFolder();
    jobs = path.join(folder.path, 'jobs');
    await mkdir(jobs);
    sandbox = await sandboxOfTier(tier, jobs);
  });
  afterAll(() => folder.remove());
  afterEach(async () => {
    // Whatever the ending: no folder, no process.
    expect(await readdir(jobs)).toEqual([]);
    if (process.platform === 'linux')
      await until(async () => (await processesMentioning(jobs)).length === 0);
  });

  /** Runs `attempt` as the body of a function and reports what it returned or the code it failed with. */
  const attempt = async (body: string): Promise<string> => {
    const source = `
      const work = async () => { ${body} };
      work().then((value) => 'did ' + value, (error) => 'failed ' + (error.code ?? error.message))
        .then((answer) => { process.stdout.write(answer + '\\n', () => process.exit(0)); });`;
    return (await runProgram(sandbox, source)).lines.join('\n');
  };

  it('says which tier it is', () => {
    expect(sandbox.tier).toBe(tier);
  });

  it('runs a program on its files and its standard input', async () => {
    const events = [];
    const job = {
      files: { 'lib/double.js': 'module.exports = (n) => 2 * n;', 'main.js': '' },
      entry: 'main.js',
      stdin: '21',
      limits,
    };
    job.files['main.js'] =
      "const n = Number(require('fs').readFileSync(0, 'utf8')); console.log(require('./lib/double.js')(n)); process.stdout.write('grüße');";
    for await (const event of sandbox.run(job)) events.push(event);
    expect(events).toEqual([
      { type: 'line', line: '42' },
      { type: 'line', line: 'grüße' },
      { type: 'exit', state: { reason: 'exited', code: 0 }, stderr: '' },
    ]);
  });

  it('reports exit codes, stderr, and signals', async () => {
    const failed = await runProgram(sandbox, "console.error('no'); process.exit(7)");
    expect(failed.exit).toMatchObject({ state: { reason: 'exited', code: 7 }, stderr: 'no\n' });
    const crashed = await runProgram(
      sandbox,
      "process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000)",
    );
    expect(crashed.exit.state).toEqual({ reason: 'signal', signal: 'SIGKILL' });
    const aborted = await runProgram(sandbox, 'process.abort()');
    expect(aborted.exit.state).toMatchObject({
      reason: 'signal',
      signal: expect.stringMatching(/^SIG(ABRT|SEGV)$/),
    });
  });

  it('shows nothing of our environment', async () => {
    process.env['ANTHROPIC_API_KEY'] = 'sk-canary';
    try {
      const own = await attempt('return JSON.stringify(process.env)');
      expect(own).toBe('did {"TZ":"UTC"}');
      for (const pid of ['1', 'self', String(process.pid), "' + process.ppid + '"]) {
        expect(
          await attempt(`return require('fs').readFileSync('/proc/${pid}/environ', 'utf8')`),
        ).toMatch(/^failed/);
      }
    } finally {
      delete process.env['ANTHROPIC_API_KEY'];
    }
  });

  it('keeps files outside out of reach', async () => {
    const home = path.join(folder.path, 'home', '.ssh');
    await mkdir(home, { recursive: true });
    await writeFile(path.join(home, 'id_ed25519'), 'private');
    expect(
      await attempt(`return require('fs').readFileSync('${home}/id_ed25519', 'utf8')`),
    ).toMatch(/^failed/);
    expect(await attempt(`return require('fs').readdirSync('${home}')`)).toMatch(/^failed/);
    expect(await attempt("return require('fs').readdirSync('/')")).toMatch(/^failed/);
  });

  it('lets nothing be written', async () => {
    for (const target of [
      `${folder.path}/written`,
      '/tmp/aqe-llm-written',
      './written',
      './main.js',
    ]) {
      expect(
        await attempt(`require('fs').writeFileSync('${target}', 'x'); return 'written'`),
      ).toMatch(/^failed/);
    }
    expect(await attempt("require('fs').symlinkSync('/etc', './etc'); return 'linked'")).toMatch(
      /^failed/,
    );
    expect(await readdir(folder.path)).not.toContain('written');
  });

  it.skipIf(tier === 'unsafe')('lets no connection out', async () => {
    let connections = 0;
    const server = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const answer = await attempt(`return new Promise((resolve, reject) => require('net')
      .connect(${port}, '127.0.0.1').once('connect', resolve).once('error', reject))`);
    expect(answer).toMatch(/^failed/);
    expect(await attempt(`return (await fetch('http://127.0.0.1:${port}')).status`)).toMatch(
      /^failed/,
    );
    expect(connections).toBe(0);
    await new Promise((resolve) => server.close(resolve));
  });

  it('starts no process, worker or native code', async () => {
    for (const body of [
      "return require('child_process').spawnSync('/bin/sh', ['-c', 'echo hi']).stdout",
      "for (;;) require('child_process').spawn('/bin/sh', ['-c', 'sleep 100'])",
      "return require('child_process').fork(__filename)",
      "return new (require('worker_threads').Worker)('1', { eval: true })",
      "return process.dlopen({ exports: {} }, '/usr/lib/x86_64-linux-gnu/libc.so.6')",
      "return process.binding('spawn_sync')",
    ]) {
      expect(await attempt(body)).toMatch(/^failed/);
    }
  });

  it.each([
    ['JavaScript heap', 'const all = []; for (;;) all.push({ list: [1, 2, 3] });'],
    ['buffers', 'const all = []; for (;;) all.push(Buffer.alloc(1 << 20, 1));'],
    [
      'shared buffers',
      'const all = []; for (;;) all.push(new Uint8Array(new SharedArrayBuffer(1 << 20)).fill(1));',
    ],
    [
      'WebAssembly memory',
      'const m = new WebAssembly.Memory({ initial: 1, maximum: 65536 }); for (;;) m.grow(64);',
    ],
  ])('caps memory: %s', async (_, source) => {
    expect((await runProgram(sandbox, source)).exit.state).toEqual({ reason: 'memory' });
  });

  it('kills a program that says nothing for too long, and keeps what it said', async () => {
    const outcome = await runProgram(
      sandbox,
      "require('fs').writeSync(1, 'one\\ntwo'); for (;;);",
      {
        limits: { idleMs: 1500 },
      },
    );
    expect(outcome).toMatchObject({ lines: ['one'], exit: { state: { reason: 'idle' } } });
  });

  it('waits longer for the first line, and only for that', async () => {
    const source = `
      const { writeSync } = require('fs');
      setTimeout(() => {
        writeSync(1, 'one\\n');
        for (;;);
      }, 1500);`;
    const began = performance.now();
    const outcome = await runProgram(sandbox, source, { limits: { idleMs: 700, startMs: 15_000 } });
    expect(outcome).toMatchObject({ lines: ['one'], exit: { state: { reason: 'idle' } } });
    expect(performance.now() - began).toBeLessThan(14_000);
  });

  it('kills a program that goes on for too long', async () => {
    const source =
      "for (;;) { require('fs').writeSync(1, '.\\n'); for (const end = Date.now() + 20; Date.now() < end;); }";
    const outcome = await runProgram(sandbox, source, { limits: { wallMs: 1500 } });
    expect(outcome.exit.state).toEqual({ reason: 'wall' });
    expect(outcome.lines.length).toBeGreaterThan(0);
  });

  it.each([
    ['endless lines', "for (;;) require('fs').writeSync(1, 'line\\n');"],
    [
      'one line without an end',
      "const piece = 'x'.repeat(1 << 16); for (;;) require('fs').writeSync(1, piece);",
    ],
    [
      'one string of 50 MB',
      "process.stdout.write('x'.repeat(50 << 20)); setInterval(() => {}, 1000);",
    ],
    ['endless errors', "for (;;) require('fs').writeSync(2, 'line\\n');"],
  ])('cuts off output: %s', async (_, source) => {
    const outcome = await runProgram(
      sandbox,
      `process.on('uncaughtException', () => {}); ${source}`,
      { limits: { memoryMb: 256 } },
    );
    expect(outcome.exit.state).toEqual({ reason: 'output' });
    const bytes = outcome.lines.reduce(
      (sum, line) => sum + line.length,
      outcome.exit.stderr.length,
    );
    expect(bytes).toBeLessThanOrEqual(limits.outputBytes);
  });

  it('hands over a whole line of 10 MB when that is allowed', async () => {
    const outcome = await runProgram(sandbox, "console.log('x'.repeat(10e6))", {
      limits: { outputBytes: 11e6 },
    });
    expect(outcome.lines.map((line) => line.length)).toEqual([10e6]);
    expect(outcome.exit.state).toEqual({ reason: 'exited', code: 0 });
  });

  it('stops when aborted: before the start, and in the middle', async () => {
    const early = await runProgram(sandbox, 'console.log(1)', { signal: AbortSignal.abort() });
    expect(early).toMatchObject({ lines: [], exit: { state: { reason: 'aborted' } } });
    const controller = new AbortController();
    const job = {
      files: { 'a.js': "console.log('up'); for (;;);" },
      entry: 'a.js',
      stdin: '',
      limits,
    };
    const states = [];
    for await (const event of sandbox.run(job, controller.signal)) {
      if (event.type === 'line') controller.abort();
      else states.push(event.state);
    }
    expect(states).toEqual([{ reason: 'aborted' }]);
  });

  it('kills the program when the caller leaves the loop', async () => {
    const job = {
      files: { 'a.js': "console.log('up'); for (;;);" },
      entry: 'a.js',
      stdin: '',
      limits,
    };
    for await (const event of sandbox.run(job)) {
      expect(event).toEqual({ type: 'line', line: 'up' });
      break;
    }
  });

  it('keeps jobs that run together apart', async () => {
    const source = `
      const fs = require('fs');
      const seen = [];
      for (const place of ['..', '/tmp', '${jobs}']) { try { seen.push(...fs.readdirSync(place)); } catch {} }
      console.log(JSON.stringify({ seen, own: fs.readdirSync('.') }));`;
    const outcomes = await Promise.all([1, 2, 3].map(() => runProgram(sandbox, source)));
    for (const { lines } of outcomes)
      expect(JSON.parse(lines.join(''))).toEqual({ seen: [], own: ['main.js'] });
  });
});
