import Table from 'cli-table3';
import { startBare, startDirect, startGateways, type Contender } from './gateway/contenders.ts';
import { createCaller, figuresOf, type Figures, type Load } from './gateway/load.ts';

const CONNECTIONS = [1, 16, 64];
const ROUNDS = 4;
/** Milliseconds of one contender's turn. */
const TURN_MS = 1200;
const WARM_UP_MS = 800;
/** The rate that is promised, and what is tried of one that cannot keep up with it. */
const RATES = [1000, 300, 100];
const OPEN_CONNECTIONS = 64;
const OPEN_ROUNDS = 3;
const OPEN_MS = 4000;

const OURS = 'aqe-llm';
const BARE = 'bare proxy';

/**
 * What a gateway adds to a call: ours, Portkey's and LiteLLM's before one loopback server that
 * answers at once, beside that server alone and beside a proxy that does nothing, turn about in one run. Promises: ahead of both others at
 * the median and p99; less than 1 ms added at p99 with 1,000 requests a second.
 */
export async function run(out: (line: string) => void): Promise<void> {
  const direct = await startDirect();
  const all = [direct];
  try {
    all.push(await startBare(direct.url));
    all.push(...(await startGateways(direct.url, out)));
    for (const stream of [false, true]) {
      for (const connections of CONNECTIONS) {
        out(`${connections} connections, ${stream ? 'streamed' : 'whole'} answers`);
        const figures = await closedLoops(all, connections, stream);
        print(figures, direct, out);
        out(comparison(figures));
      }
    }
    await openLoops(all, direct, out);
  } finally {
    for (const contender of all.toReversed()) await contender.stop();
  }
}

type Measured = readonly { contender: Contender; figures: Figures }[];

async function closedLoops(
  contenders: readonly Contender[],
  connections: number,
  stream: boolean,
): Promise<Measured> {
  const turns = contenders.map((contender) => {
    const loads: Load[] = [];
    return { contender, caller: createCaller(contender, connections, stream), loads };
  });
  for (const { caller } of turns) await caller.closedLoop(WARM_UP_MS);
  for (let round = 0; round < ROUNDS; round++) {
    // Whoever comes second finds a warmer processor: they take turns at that as well.
    for (const { caller, loads } of round % 2 === 0 ? turns : turns.toReversed()) {
      loads.push(await caller.closedLoop(TURN_MS));
    }
  }
  for (const { caller } of turns) await caller.close();
  return turns.map(({ contender, loads }) => ({ contender, figures: figuresOf(loads) }));
}

/** The rate promised, then for those that fell behind the rates below it. */
async function openLoops(
  all: readonly Contender[],
  direct: Contender,
  out: (line: string) => void,
): Promise<void> {
  let left = all;
  for (const rate of RATES) {
    const asked = rate === RATES[0] ? left : [direct, ...left];
    out(`${rate} requests a second, ${OPEN_CONNECTIONS} connections, timed from when each was due`);
    const turns = asked.map((contender) => {
      const loads: Load[] = [];
      return { contender, caller: createCaller(contender, OPEN_CONNECTIONS, false), loads };
    });
    for (const { caller } of turns) await caller.openLoop(rate, WARM_UP_MS);
    for (let round = 0; round < OPEN_ROUNDS; round++) {
      for (const { caller, loads } of round % 2 === 0 ? turns : turns.toReversed()) {
        // Who fell behind once is not asked again: its backlog would be worked off beside the others.
        if (loads.some(({ fellBehind }) => fellBehind)) continue;
        loads.push(await caller.openLoop(rate, OPEN_MS));
      }
    }
    for (const { caller } of turns) await caller.close();
    const measured = turns.map(({ contender, loads }) => ({
      contender,
      figures: figuresOf(loads),
    }));
    print(measured, direct, out);
    if (rate === RATES[0]) out(promise(measured, direct));
    left = measured.filter(({ figures }) => figures.fellBehind).map(({ contender }) => contender);
    if (left.length === 0) return;
    out(`fell behind: ${left.map(({ name }) => name).join(', ')}`);
  }
}

function print(measured: Measured, direct: Contender, out: (line: string) => void): void {
  const control = measured.find(({ contender }) => contender === direct)?.figures;
  const table = new Table({
    head: ['', 'p50 ms', 'p99 ms', 'added p50', 'added p99', 'answers/s', 'failed', 'n'],
    style: { head: [], border: [], compact: true },
  });
  for (const { contender, figures } of measured) {
    const { p50, p99, perSecond, failures, n } = figures;
    const ms = (value: number): string => (n === 0 ? '' : value.toFixed(2));
    const added = (value: number, of: number | undefined): string =>
      contender === direct || of === undefined ? '' : ms(value - of);
    table.push([
      contender.name,
      ms(p50),
      ms(p99),
      added(p50, control?.p50),
      added(p99, control?.p99),
      perSecond.toFixed(0),
      failures,
      n,
    ]);
  }
  out(table.toString());
}

function comparison(measured: Measured): string {
  const ours = measured.find(({ contender }) => contender.name === OURS)?.figures;
  const words = measured.slice(1).flatMap(({ contender, figures }) => {
    if (ours === undefined || contender.name === OURS || contender.name === BARE) return [];
    const times = (of: 'p50' | 'p99'): string => `${(figures[of] / ours[of]).toFixed(1)}× at ${of}`;
    if (figures.n === 0) return [`${contender.name} answers no such call`];
    return [`${contender.name} takes ${times('p50')}, ${times('p99')}`];
  });
  return `beside ours: ${words.length === 0 ? 'nobody to compare with' : words.join('; ')}`;
}

function promise(measured: Measured, direct: Contender): string {
  const of = (name: string): number =>
    measured.find(({ contender }) => contender.name === name)?.figures.p99 ?? Number.NaN;
  const added = of(OURS) - of(direct.name);
  const least = of(BARE) - of(direct.name);
  return `ours adds ${added.toFixed(2)} ms at p99, a proxy that does nothing ${least.toFixed(2)} ms; promised: less than 1 ms (${added < 1 ? 'held' : 'NOT HELD'})`;
}
