import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { configSchema } from '../../src/config/schema.ts';
import type { Clock } from '../../src/core/clock.ts';
import { seededIndex } from '../../src/core/random.ts';
import { messageOf } from '../../src/core/errors.ts';
import type { Completion, CompletionRequest } from '../../src/core/request.ts';
import { failureClassOf } from '../../src/providers/failure.ts';
import {
  createResilientProvider,
  type AttemptReport,
  type ResilientCallOptions,
  type ResilientProvider,
} from '../../src/routing/attempt.ts';
import { createCircuitBreaker } from '../../src/routing/circuit-breaker.ts';
import { openDatabase, type Database } from '../../src/storage/database.ts';
import { machineClock } from '../providers/embedded/processes.ts';
import { DIALECTS, MODEL, PIECES, type Dialect } from './dialects.ts';
import { CONTROL, FAULTS, startFaultServer, usageOf, type Fault } from './fault-server.ts';

/** Long for a server on the loopback even when the machine is busy, short for whoever waits. */
const DEADLINES = { connectMs: 2500, firstTokenMs: 2500, idleMs: 2500, totalMs: 10_000 };
/** Milliseconds for a whole call, and until it counts as hanging. */
const CALL_MS = 20_000;
const HANG_MS = CALL_MS + 5000;
const LANES = 6;
const RETRIES = { most: 2, baseMs: 20, capMs: 50, longestRetryAfterMs: 5000 };
const BREAKER = configSchema.parse({}).breaker;

const REQUEST: CompletionRequest = {
  messages: [{ role: 'user', content: 'Is the answer whole?' }],
  maxTokens: 16,
  temperature: 0,
  seed: 1,
  repeat: 0,
};
const TEXT = PIECES.join('');

const MODES = ['complete', 'stream'] as const;
type Mode = (typeof MODES)[number];

/** What came of one call. */
interface Outcome {
  /** Text that the caller has got, whole or not. */
  text: string;
  completion?: Completion;
  error?: unknown;
}

/** Plays a fault to a provider in both ways of asking; gives what was wrong, nothing if all was right. */
export async function playFault(
  dialect: Dialect,
  fault: Fault,
  database: Database,
): Promise<string[]> {
  const problems = await Promise.all(
    MODES.map(async (mode) =>
      (await playCall(dialect, fault, mode, database)).map((problem) => `${mode}: ${problem}`),
    ),
  );
  return problems.flat();
}

/** Whether servers of this kind can fail like that. */
export function knows(dialect: Dialect, { refusal }: Fault): boolean {
  return refusal === undefined || dialect.refusal(refusal) !== undefined;
}

async function playCall(
  dialect: Dialect,
  fault: Fault,
  mode: Mode,
  database: Database,
): Promise<string[]> {
  const server = await startFaultServer(dialect, fault);
  const attempts: AttemptReport[] = [];
  const waits: number[] = [];
  const clock: Clock = {
    ...machineClock,
    sleep(ms, signal) {
      waits.push(ms);
      return machineClock.sleep(ms, signal);
    },
  };
  const id = `${dialect.name}:${fault.name}:${mode}`;
  const provider = createResilientProvider(
    dialect.connect({
      id,
      model: MODEL,
      url: server.url,
      apiKey: 'a-key',
      deadlines: DEADLINES,
      clock: machineClock,
    }),
    {
      breaker: createCircuitBreaker({ database, id, settings: BREAKER, clock: machineClock }),
      clock,
      random: seededIndex(1),
      totalMs: CALL_MS,
      retries: RETRIES,
    },
  );
  try {
    const outcome = await ask(provider, mode, {
      onAttempt: () => (attempt) => attempts.push(attempt),
      onText: () => server.textArrived(),
    });
    if (outcome === undefined) return [`no end after ${HANG_MS} ms`];
    const expected = mode === 'stream' && fault.afterText === true ? 1 : fault.attempts;
    return [
      ...problemsOf(fault, outcome, attempts),
      ...(attempts.length === expected
        ? []
        : [`${attempts.length} attempts recorded, not ${expected}`]),
      ...(fault.play === undefined || server.requests === attempts.length
        ? []
        : [`${server.requests} requests came, ${attempts.length} were recorded`]),
      ...(fault.waitMs === undefined ||
      waits.some((ms) => ms !== CALL_MS && ms >= (fault.waitMs ?? 0))
        ? []
        : [`did not wait for ${fault.waitMs} ms`]),
    ];
  } finally {
    await provider.shutdown();
    await server.close();
  }
}

/** `undefined` for a call that hangs. */
async function ask(
  provider: ResilientProvider,
  mode: Mode,
  { onText, ...options }: ResilientCallOptions & { onText: () => void },
): Promise<Outcome | undefined> {
  const outcome: Outcome = { text: '' };
  async function call(): Promise<Outcome> {
    try {
      if (mode === 'complete') {
        outcome.completion = await provider.complete(REQUEST, options);
        outcome.text = outcome.completion.text;
        return outcome;
      }
      for await (const event of provider.stream(REQUEST, options)) {
        if (event.type === 'text') {
          outcome.text += event.text;
          onText();
        }
        if (event.type === 'finished') outcome.completion = event.completion;
      }
    } catch (error) {
      outcome.error = error;
    }
    return outcome;
  }
  const over = new AbortController();
  const hang = machineClock.sleep(HANG_MS, over.signal).catch(() => undefined);
  try {
    return await Promise.race([call(), hang.then(() => undefined)]);
  } finally {
    over.abort();
  }
}

function problemsOf(fault: Fault, outcome: Outcome, attempts: readonly AttemptReport[]): string[] {
  const { text, completion, error } = outcome;
  const last = attempts.at(-1);
  const problems: string[] = [];
  const wrong = (problem: string): void => void problems.push(problem);
  const got = error === undefined ? 'ok' : (failureClassOf(error) ?? 'an untyped error');
  if (got !== fault.outcome) wrong(`${got} (${messageOf(error)}), not ${fault.outcome}`);
  if (last?.outcome !== fault.outcome) wrong(`${String(last?.outcome)} was recorded`);
  if (!TEXT.startsWith(text)) wrong(`wrong text ${JSON.stringify(text)}`);
  if (fault.outcome !== 'ok') return problems;
  if (text !== TEXT || completion?.text !== TEXT) wrong(`not the whole text: ${text}`);
  if (completion?.finishReason !== 'stop') wrong(`finished by ${completion?.finishReason}`);
  for (const usage of [completion?.usage, last?.usage]) {
    if (!isDeepStrictEqual(usage, usageOf(fault))) wrong(`usage ${JSON.stringify(usage)}`);
  }
  return problems;
}

/** Loads what is loaded by the first call only, so that no deadline counts it. */
export async function warmUp(database: Database): Promise<void> {
  const control = FAULTS.find(({ name }) => name === CONTROL);
  if (control === undefined) throw new Error('The scorecard has no control.');
  for (const dialect of DIALECTS) await playFault(dialect, control, database);
}

/** Some at a time: all at once, calls would miss their deadlines by waiting for each other. */
async function inLanes<Job>(
  jobs: readonly Job[],
  work: (job: Job, index: number) => Promise<void>,
): Promise<void> {
  const waiting = jobs.entries();
  const lane = async (): Promise<void> => {
    for (const [index, job] of waiting) await work(job, index);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

/** The scorecard: every fault against every kind of provider. */
export async function run(out: (line: string) => void): Promise<boolean> {
  const folder = await mkdtemp(path.join(tmpdir(), 'aqe-faults-'));
  const database = openDatabase(folder);
  const widest = Math.max(...FAULTS.map(({ name }) => name.length));
  const print = (cells: readonly string[]): void => {
    out(cells.map((cell, i) => cell.padEnd(i === 0 ? widest : 18)).join('  '));
  };
  const wrong: string[] = [];
  try {
    await warmUp(database);
    print(['fault', ...DIALECTS.map(({ name }) => name), 'expected']);
    const cells = FAULTS.flatMap((fault) => DIALECTS.map((dialect) => ({ fault, dialect })));
    const marks = new Map<Fault, string[]>();
    await inLanes(cells, async ({ fault, dialect }, index) => {
      const problems = knows(dialect, fault) ? await playFault(dialect, fault, database) : [];
      wrong.push(...problems.map((problem) => `${fault.name}, ${dialect.name}: ${problem}`));
      const row = marks.get(fault) ?? [];
      row[index % DIALECTS.length] =
        problems.length > 0 ? 'FAIL' : knows(dialect, fault) ? 'pass' : '–';
      marks.set(fault, row);
    });
    let handled = 0;
    for (const fault of FAULTS) {
      const row = marks.get(fault) ?? [];
      print([fault.name, ...row, fault.outcome === 'ok' ? 'whole answer' : fault.outcome]);
      if (fault.name !== CONTROL && !row.includes('FAIL')) handled += 1;
    }
    for (const problem of wrong) out(problem);
    out(`${handled} of ${FAULTS.length - 1} faults handled by ${DIALECTS.length} providers`);
    return wrong.length === 0;
  } finally {
    database.close();
    await rm(folder, { recursive: true, force: true });
  }
}
