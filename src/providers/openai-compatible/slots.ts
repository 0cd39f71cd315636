import { z } from 'zod';
import { parseJson, type HttpClient } from '../http/http-client.ts';

/** A slot that a call of a session has until it is over. */
export interface HeldSlot {
  slot: number;
  /** Call it once. */
  release(): void;
}

/**
 * Slots of a llama-server, each of which keeps the prompt it evaluated last. A session comes back
 * to its slot, so that others with the same system prompt cannot take its history from there.
 */
export interface Slots {
  /**
   * The session's own slot, or the one that was used least recently. `undefined` while calls of
   * other sessions have all of them: the server then knows best which is free first.
   * @param count how many the server has now; sessions of slots that are gone begin again
   */
  take(session: string, count: number): HeldSlot | undefined;
}

export function createSlots(): Slots {
  /** The least recently used first. */
  const places = new Map<string, { slot: number; calls: number }>();

  function freeSlot(count: number): number | undefined {
    const taken = new Set([...places.values()].map(({ slot }) => slot));
    for (let slot = 0; slot < count; slot += 1) if (!taken.has(slot)) return slot;
    for (const [session, { slot, calls }] of places) {
      if (calls > 0) continue;
      places.delete(session);
      return slot;
    }
    return undefined;
  }

  return {
    take(session, count) {
      for (const [name, { slot }] of places) if (slot >= count) places.delete(name);
      const known = places.get(session);
      const slot = known?.slot ?? freeSlot(count);
      if (slot === undefined) return undefined;
      const place = known ?? { slot, calls: 0 };
      place.calls += 1;
      places.delete(session);
      places.set(session, place);
      return { slot, release: () => (place.calls -= 1) };
    },
  };
}

const propsSchema = z.looseObject({ total_slots: z.int().min(1) });

/**
 * How many slots the server has. It is asked before each call of a session: a server that was
 * started again with fewer lets a call for one that is gone wait for ever, if it is an older one.
 * 0 where it does not say.
 */
export async function countSlots(client: HttpClient, signal: AbortSignal): Promise<number> {
  const { status, text } = await client.send({ method: 'GET', path: '/props', signal });
  const props = propsSchema.safeParse(status < 300 ? parseJson(text) : undefined);
  return props.success ? props.data.total_slots : 0;
}
