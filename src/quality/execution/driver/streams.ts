/** Numbers in [0, 1). */
export type Stream = () => number;

/** FNV-1a over the name, mixed with the seed: neighbouring seeds share nothing. */
function stateOf(seed: number, name: string): number {
  let state = Math.imul(seed ^ 0x811c9dc5, 0x01000193);
  for (let index = 0; index < name.length; index += 1) {
    state = Math.imul(state ^ name.charCodeAt(index), 0x01000193);
  }
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  return state ^ (state >>> 13);
}

/** A stream of its own for each name, the same for the same seed (mulberry32). */
export function streamOf(seed: number, name: string): Stream {
  let state = stateOf(seed, name);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** The items in an order drawn from the stream (Fisher and Yates). */
export function shuffled<Item>(items: readonly Item[], stream: Stream): Item[] {
  const order: Item[] = [];
  for (const item of items) order.splice(Math.floor(stream() * (order.length + 1)), 0, item);
  return order;
}
