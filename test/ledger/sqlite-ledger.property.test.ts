import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RecordedAttempt, RequestState } from '../../src/ledger/ledger.ts';
import { createLedger } from '../../src/ledger/sqlite-ledger.ts';
import { openDatabase, type Database } from '../../src/storage/database.ts';
import { newAttempt, newEnding, newRequest } from './records.ts';

type Cost = Pick<RecordedAttempt, 'usage' | 'usd'>;
type Step =
  | { do: 'begin'; process: number }
  | { do: 'attempt'; request: number; cost: Cost }
  | { do: 'end'; request: number; state: 'answered' | 'failed' | 'cancelled'; costs: Cost[] }
  | { do: 'kill'; process: number };

// Eighths add up exactly, so that sums can be compared without a tolerance.
const dollars = fc.nat(64).map((eighths) => eighths / 8);
const cost: fc.Arbitrary<Cost> = fc.record(
  {
    usage: fc.record(
      { inputTokens: fc.nat(1000), outputTokens: fc.nat(1000) },
      { requiredKeys: [] },
    ),
    usd: dollars,
  },
  { requiredKeys: [] },
);
const request = fc.nat(3);
const process = fc.nat(1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('begin'), process }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('attempt'), request, cost }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('end'),
      request,
      state: fc.constantFrom('answered', 'failed', 'cancelled'),
      costs: fc.array(cost, { maxLength: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('kill'), process }) },
);

/** The same request told plainly, in memory. */
interface Told {
  state: RequestState;
  process: number;
  costs: Cost[];
}

let folder: string;
let database: Database;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'aqe-ledger-'));
  database = openDatabase(folder);
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

/** `undefined` where nothing was reported. */
function tokens(costs: readonly Cost[], of: 'inputTokens' | 'outputTokens'): number | undefined {
  const reported = costs.flatMap(({ usage }) => usage?.[of] ?? []);
  return reported.length === 0 ? undefined : reported.reduce((sum, each) => sum + each);
}

/** `undefined` where one has no price. */
function usd(costs: readonly Cost[]): number | undefined {
  const priced = costs.flatMap((each) => each.usd ?? []);
  return priced.length < costs.length ? undefined : priced.reduce((sum, each) => sum + each, 0);
}

function play(steps: readonly Step[]): void {
  const ledgers = [1, 2].map((pid) => createLedger(database, { pid, startedAt: 0 }));
  const reader = createLedger(database, { pid: 3, startedAt: 0 });
  const told: Told[] = [];
  for (const each of steps) {
    if (each.do === 'begin') {
      ledgers[each.process]?.begin(newRequest({ id: `r-${told.length}` }));
      told.push({ state: 'running', process: each.process, costs: [] });
    } else if (each.do === 'kill') {
      reader.markInterrupted((pid) => pid !== each.process + 1);
      for (const one of told) {
        if (one.process === each.process && one.state === 'running') one.state = 'interrupted';
      }
    } else {
      const one = told[each.request];
      const ledger = one && ledgers[one.process];
      if (one === undefined || ledger === undefined) continue;
      const costs = each.do === 'attempt' ? [each.cost] : each.costs;
      const attempts = costs.map(({ usage, usd: paid }, index) => {
        const { usage: _usage, usd: _usd, ...bare } = newAttempt();
        const number = one.costs.length + index;
        return {
          ...bare,
          number,
          ...(usage && { usage }),
          ...(paid !== undefined && { usd: paid }),
        };
      });
      if (each.do === 'attempt') {
        for (const attempt of attempts)
          ledger.attempt(`r-${each.request}`, attempt.number, attempt);
      } else if (one.state === 'running' || one.state === 'interrupted') {
        ledger.end(`r-${each.request}`, newEnding({ state: each.state }), attempts);
        one.state = each.state;
      } else {
        expect(() => ledger.end(`r-${each.request}`, newEnding(), attempts)).toThrow('not running');
        continue;
      }
      one.costs.push(...costs);
    }
  }
  for (const [index, one] of told.entries()) {
    const recorded = reader.find(`r-${index}`);
    expect(recorded?.state).toBe(one.state);
    expect(recorded?.attempts).toHaveLength(one.costs.length);
    if (one.state === 'running') {
      expect(recorded).not.toHaveProperty('usd');
      continue;
    }
    expect(recorded?.usd).toBe(usd(one.costs));
    expect(recorded?.usage?.inputTokens).toBe(tokens(one.costs, 'inputTokens'));
    expect(recorded?.usage?.outputTokens).toBe(tokens(one.costs, 'outputTokens'));
  }
}

describe('whatever happens', () => {
  it('a request that is over costs what its attempts cost, or nobody knows', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
        database.exec('DELETE FROM attempts; DELETE FROM requests');
        play(steps);
      }),
      { numRuns: 200 },
    );
  });
});
