/** Places in memory that sessions come back to; when there are no more, the least recently used goes to a new session. */
export interface SessionPlaces<Place> {
  /** For one session after the other. `undefined` where memory holds not even one place. */
  of(session: string): Promise<Place | undefined>;
}

export function createSessionPlaces<Place>(options: {
  /** Most places there are. */
  most: number;
  /** Makes another place; whatever it throws, there will be no more. */
  open: () => Promise<Place>;
}): SessionPlaces<Place> {
  let { most } = options;
  /** The least recently used first. */
  const places = new Map<string, Place>();

  async function newPlace(): Promise<Place | undefined> {
    if (places.size >= most) return undefined;
    try {
      return await options.open();
    } catch {
      // Mostly a lack of memory. Sessions then share what is there: slower, but not lost.
      most = places.size;
      return undefined;
    }
  }

  function leastRecentlyUsed(): Place | undefined {
    for (const [session, place] of places) {
      places.delete(session);
      return place;
    }
    return undefined;
  }

  return {
    async of(session) {
      const place = places.get(session) ?? (await newPlace()) ?? leastRecentlyUsed();
      if (place === undefined) return undefined;
      places.delete(session);
      places.set(session, place);
      return place;
    },
  };
}
