import type { Cell } from './tally.ts';
import { add, noSums, type Sums } from './sums.ts';
import type { Figures } from './result.ts';

const NANO = 1e9;

/** Figures that grow, cell by cell. */
export interface Growing {
  sums: Sums;
  ok: number;
  cancelled: number;
  hardwareUsd: number;
}

export function newFigures(): Growing {
  return { sums: noSums(), ok: 0, cancelled: 0, hardwareUsd: 0 };
}

export function grow(figures: Growing, { kind, sums, hardwareUsd }: Cell): void {
  add(figures.sums, sums);
  if (kind.outcome === 'ok') figures.ok += sums.attempts;
  else if (kind.outcome === 'cancelled') figures.cancelled += sums.attempts;
  figures.hardwareUsd += hardwareUsd;
}

/** @param hasMachines whether it is known what machines cost */
export function figuresOf(growing: Growing, hasMachines: boolean): Figures {
  const { sums, ok, cancelled, hardwareUsd } = growing;
  const { attempts, priced, nanoUsd, ms, ...tokens } = sums;
  return {
    attempts,
    ok,
    failed: attempts - ok - cancelled,
    cancelled,
    unpriced: attempts - priced,
    ...tokens,
    usd: nanoUsd / NANO,
    hardwareUsd: hasMachines ? hardwareUsd : null,
    busySeconds: ms / 1000,
  };
}

/** Figures by a name. */
export class FiguresBy {
  readonly #by = new Map<string, Growing>();

  at(name: string): Growing {
    let growing = this.#by.get(name);
    if (growing === undefined) {
      growing = newFigures();
      this.#by.set(name, growing);
    }
    return growing;
  }

  entries(): IterableIterator<[string, Growing]> {
    return this.#by.entries();
  }
}

/** What was paid, the dearest first; of equals the one that was asked more. */
export function dearestFirst(a: Figures, b: Figures): number {
  return costOf(b) - costOf(a) || b.attempts - a.attempts;
}

function costOf({ usd, hardwareUsd }: Figures): number {
  return usd + (hardwareUsd ?? 0);
}
