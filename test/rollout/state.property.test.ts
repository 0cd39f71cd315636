import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foldLog, GENESIS, hashOf, verifyLog, type ChainedEntry } from '../../src/rollout/log.ts';
import { DEFAULT_PLAN, planSchema } from '../../src/rollout/plan.ts';
import {
  isEnded,
  serveOf,
  stepAt,
  transition,
  type RolloutEvent,
  type RolloutState,
} from '../../src/rollout/state.ts';

const plan = planSchema.parse(DEFAULT_PLAN);

const event: fc.Arbitrary<RolloutEvent> = fc.oneof(
  fc.constant({ type: 'started' } as const),
  fc.constant({ type: 'advanced' } as const),
  fc.constant({ type: 'advanced' } as const),
  fc.constant({ type: 'paused' } as const),
  fc.constant({ type: 'resumed' } as const),
  fc.record({
    type: fc.constant('stepped-down' as const),
    serve: fc.integer({ min: -1, max: 100 }),
    cautious: fc.boolean(),
  }),
  fc.record({ type: fc.constant('rolled-back' as const), complete: fc.boolean() }),
  fc.constant({ type: 'aborted' } as const),
  fc.record({ type: fc.constant('clock-jumped' as const), driftMs: fc.integer() }),
);

interface Moved {
  before: RolloutState;
  event: RolloutEvent;
  after: RolloutState;
}

/** What happens to a rollout when things are tried in that order; what is refused changes nothing. */
function happen(events: readonly RolloutEvent[]): { moves: Moved[]; end: RolloutState } {
  let state: RolloutState = { state: 'draft' };
  const moves: Moved[] = [];
  for (const each of events) {
    const moved = transition(state, each, plan, 'why');
    if ('refused' in moved) {
      expect(moved.refused).toMatch(/^[A-Z].*\.$/);
      continue;
    }
    moves.push({ before: state, event: each, after: moved.next });
    state = moved.next;
  }
  return { moves, end: state };
}

function holds(property: (moves: readonly Moved[]) => void): void {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      property(happen([{ type: 'started' }, ...events]).moves);
    }),
    { numRuns: 400 },
  );
}

describe('the state machine', () => {
  it('gives the candidate more only by an advance, one step of the plan at a time', () => {
    holds((moves) => {
      for (const { before, event: by, after } of moves) {
        const [from, to] = [serveOf(before), serveOf(after)];
        if (to <= from) continue;
        expect(by.type).toBe('advanced');
        expect(plan.steps[stepAt(plan, from) + 1]?.serve).toBe(to);
      }
    });
  });

  it('completes only from its last step, and from there alone', () => {
    holds((moves) => {
      for (const { before, after } of moves) {
        if (after.state !== 'completed' || before.state === 'completed') continue;
        expect(before.state).toBe('canary');
        expect(serveOf(before)).toBe(99);
        expect(serveOf(after)).toBe(99);
      }
    });
  });

  it('never comes back from what is over but to go further down', () => {
    holds((moves) => {
      for (const { before, event: by, after } of moves) {
        if (before.state === 'aborted' && by.type !== 'clock-jumped') expect.unreachable();
        if (!isEnded(before)) continue;
        expect(serveOf(after)).toBeLessThanOrEqual(serveOf(before));
        if (before.state === 'rolled_back')
          expect(['rolled_back', 'aborted']).toContain(after.state);
      }
    });
  });

  it('keeps its share while it is paused, and goes on where it was', () => {
    holds((moves) => {
      for (const { before, event: by, after } of moves) {
        if (by.type === 'paused' || by.type === 'resumed') {
          expect(serveOf(after)).toBe(serveOf(before));
        }
        if (by.type === 'resumed') {
          expect(after.state).toBe(serveOf(after) === 0 ? 'shadow' : 'canary');
        }
        if (by.type === 'stepped-down') expect(after.state).toBe('paused');
      }
    });
  });

  it('can be rolled back from wherever the candidate answers', () => {
    holds((moves) => {
      for (const { after } of moves) {
        if (serveOf(after) === 0) continue;
        for (const complete of [false, true]) {
          const back = transition(after, { type: 'rolled-back', complete }, plan, 'why');
          expect(back).toEqual({ next: { state: 'rolled_back', complete, why: 'why' } });
        }
      }
    });
  });
});

/** A log as a store writes it. */
function chain(events: readonly RolloutEvent[]): ChainedEntry[] {
  const all: RolloutEvent[] = [
    { type: 'created', plan, salt: 's' },
    ...happen(events).moves.map((move) => move.event),
  ];
  let previous = GENESIS;
  return all.map((each, index) => {
    const seq = index + 1;
    const entry = {
      seq,
      rollout: 'r',
      at: 1000 + seq,
      actor: 'operator:a',
      event: each,
      reason: `because ${seq}`,
      evidence: null,
    };
    const text = JSON.stringify(entry);
    const hash = hashOf(previous, text);
    const chained = { seq, entry, text, previous, hash };
    previous = hash;
    return chained;
  });
}

const log = fc
  .array(event, { maxLength: 20 })
  .map((events) => chain([{ type: 'started' }, ...events]));
const headOf = (entries: readonly ChainedEntry[]) => ({
  seq: entries.length,
  hash: entries.at(-1)?.hash ?? GENESIS,
});

describe('the log', () => {
  it('tells the state that its events lead to, and when its stage began', () => {
    fc.assert(
      fc.property(log, (entries) => {
        expect(verifyLog(entries, headOf(entries))).toEqual({
          state: 'intact',
          entries: entries.length,
          head: headOf(entries).hash,
        });
        const events = entries.slice(1).map(({ entry }) => entry.event);
        const folded = foldLog(entries.map(({ entry }) => entry));
        const why = folded?.state;
        expect(why?.state).toBe(happen(events).end.state);
        expect(serveOf(folded?.state ?? { state: 'draft' })).toBe(serveOf(happen(events).end));
        expect(folded?.stage.seq).toBeLessThanOrEqual(entries.length);
      }),
    );
  });

  it('is known as edited whatever character is changed, and whatever entry goes or comes twice', () => {
    fc.assert(
      fc.property(log, fc.nat(), fc.nat(), (entries, which, where) => {
        const head = headOf(entries);
        const index = which % entries.length;
        const entry = entries[index];
        if (entry === undefined) return;
        const at = where % entry.text.length;
        const changed = entry.text[at] === 'x' ? 'y' : 'x';
        const text = entry.text.slice(0, at) + changed + entry.text.slice(at + 1);
        const edits: ChainedEntry[][] = [
          entries.with(index, { ...entry, text }),
          // Whoever makes the hash fit as well breaks the next one, or the head.
          entries.with(index, { ...entry, text, hash: hashOf(entry.previous, text) }),
          entries.toSpliced(index, 1),
          entries.toSpliced(index, 0, entry),
        ];
        for (const edited of edits) {
          expect(verifyLog(edited, head)).toMatchObject({
            state: 'broken',
            problem: expect.stringMatching(/^(Entry \d+|The log ended)/),
          });
        }
        expect(verifyLog(entries.with(index, { ...entry, text }), head)).toMatchObject({
          problem: `Entry ${index + 1} was changed.`,
        });
      }),
    );
  });
});
