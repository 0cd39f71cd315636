interface Position {
  /** From 1. */
  line: number;
  /** From 0. */
  column: number;
}

/** A piece of source; the end does not belong to it. */
export interface Region {
  start: Position;
  end: Position;
}

/** Where a mutant stands, which its id begins with. @see Mutant */
function regionOf(id: string): Region {
  const [line = 0, column = 0, endLine = 0, endColumn = 0] = (id.match(/\d+/g) ?? []).map(Number);
  return { start: { line, column }, end: { line: endLine, column: endColumn } };
}

function precedes(a: Position, b: Position): boolean {
  return a.line < b.line || (a.line === b.line && a.column <= b.column);
}

function contains(outer: Region, inner: Region): boolean {
  return precedes(outer.start, inner.start) && precedes(inner.end, outer.end);
}

/**
 * The regions in which a change does not go unnoticed: one of the mutants inside is killed or, where there is
 * none inside, one of the closest around. Where no mutant is near, nothing speaks against a region.
 * @param killed by the mutants' ids
 */
export function checkedRegions(
  regions: ReadonlyMap<string, Region>,
  killed: ReadonlyMap<string, boolean>,
): Set<string> {
  const mutants = [...killed].map(([id, isKilled]) => ({ region: regionOf(id), isKilled }));
  const checked = new Set<string>();
  for (const [key, region] of regions) {
    let near = mutants.filter((mutant) => contains(region, mutant.region));
    if (near.length === 0) {
      const around = mutants.filter((mutant) => contains(mutant.region, region));
      near = around.filter(({ region: outer }) =>
        around.every((other) => contains(other.region, outer)),
      );
    }
    if (near.length === 0 || near.some(({ isKilled }) => isKilled)) checked.add(key);
  }
  return checked;
}
