import { expect, it } from 'vitest';
import { createSessionPlaces } from '../../../src/providers/embedded/session-places.ts';

/** The places of one session after the other, where memory holds so many of them. */
async function placesOf(sessions: string, most: number, memory = most): Promise<unknown[]> {
  let opened = 0;
  let asked = 0;
  const places = createSessionPlaces({
    most,
    async open() {
      asked += 1;
      if (opened === memory) throw new Error('too little memory');
      return (opened += 1);
    },
  });
  const given = [];
  for (const session of sessions.split('')) given.push(await places.of(session));
  // Memory that is short is not asked for again.
  expect(asked).toBeLessThanOrEqual(memory + 1);
  return given;
}

it('comes back to its place', async () => {
  expect(await placesOf('abcacb', 3)).toEqual([1, 2, 3, 1, 3, 2]);
});

it('gives the place that was used least recently to a new session', async () => {
  expect(await placesOf('abacb', 2)).toEqual([1, 2, 1, 2, 1]);
});

it('makes do with what memory holds', async () => {
  expect(await placesOf('abcab', 4, 2)).toEqual([1, 2, 1, 2, 1]);
  expect(await placesOf('aba', 4, 0)).toEqual([undefined, undefined, undefined]);
});
