import { createHash } from 'node:crypto';
import type { RouteRequest } from '../decision.ts';

/**
 * Equal for requests that must get the same answer, so that one is enough: they differ in line
 * ends, in white space around a message, in how many spaces stand between the words of plain prose,
 * in the order of fields, in who asks and how soon, and in nothing else. Inside any message that may
 * hold code every space and letter counts. `undefined` for a request that asks for an answer of its
 * own: with a temperature above 0 and no seed.
 */
export function samenessOf(request: RouteRequest): string | undefined {
  const { agent: _agent, priority: _priority, ...asked } = request;
  const { temperature = 0, seed, messages } = asked;
  if (temperature > 0 && seed === undefined) return undefined;
  const normal = messages.map((message) => ({ ...message, content: normalised(message.content) }));
  return createHash('sha256')
    .update(JSON.stringify(sorted({ ...asked, messages: normal })))
    .digest('hex');
}

/** One line of words and their punctuation: no quotes, brackets or signs that code has. */
const PROSE = /^(?:[\p{L}\p{M}\p{N} .,;!?-]|(?<=\p{L})['’](?=\p{L}))*$/u;

function normalised(content: string): string {
  const text = content.replaceAll('\r\n', '\n').trim();
  return PROSE.test(text) ? text.normalize('NFC').replaceAll(/ +/g, ' ') : text;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
