import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createNdjsonParser } from '../../../src/providers/http/ndjson.ts';
import { createSseParser, type SseEvent } from '../../../src/providers/http/sse.ts';

const encoder = new TextEncoder();

/** Cuts bytes at the given places, which may repeat and so give empty chunks. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort(
    (a, b) => a - b,
  );
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

function parse<Item>(
  parser: { push(chunk: Uint8Array): Item[]; end(): Item[] },
  chunks: readonly Uint8Array[],
): Item[] {
  return [...chunks.flatMap((chunk) => parser.push(chunk)), ...parser.end()];
}

const places = fc.array(fc.nat(), { maxLength: 40 });
const anyText = fc.string({ unit: 'binary', maxLength: 30 });
const lineText = anyText.map((text) => text.replaceAll(/[\r\n]/g, ''));
const lineEnd = fc.constantFrom('\n', '\r\n');

describe('server-sent events', () => {
  const event = fc.record({
    name: fc.option(lineText.filter((text) => text !== '' && !text.startsWith(' '))),
    data: fc.array(lineText, { minLength: 1, maxLength: 3 }),
    comment: fc.option(lineText),
  });

  it('give the same events in any chunking, with any line end', () => {
    const end = fc.constantFrom('\n', '\r\n', '\r');
    fc.assert(
      fc.property(fc.array(event, { maxLength: 5 }), end, places, (events, eol, cuts) => {
        const written = events
          .flatMap(({ name, data, comment }) => [
            ...(comment === null ? [] : [`:${comment}`]),
            ...(name === null ? [] : [`event: ${name}`]),
            ...data.map((line) => `data: ${line}`),
            '',
          ])
          .map((line) => line + eol)
          .join('');
        const expected = events.map(({ name, data }): SseEvent => {
          const decoded = encoder.encode(data.join('\n'));
          return { event: decode(name ?? 'message'), data: new TextDecoder().decode(decoded) };
        });
        expect(parse(createSseParser(), cut(encoder.encode(written), cuts))).toEqual(expected);
      }),
    );
  });

  it('give the same for bytes that are no events at all', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), places, (bytes, cuts) => {
        const whole = parse(createSseParser(), [bytes]);
        expect(parse(createSseParser(), cut(bytes, cuts))).toEqual(whole);
      }),
    );
  });

  it('keep a last event whose empty line is missing, and drop one cut inside a line', () => {
    expect(parse(createSseParser(), [encoder.encode('data: [DONE]\n')])).toEqual([
      { event: 'message', data: '[DONE]' },
    ]);
    expect(parse(createSseParser(), [encoder.encode('data: {"a":1}\n\ndata: {"b')])).toEqual([
      { event: 'message', data: '{"a":1}' },
    ]);
  });

  it('take exactly one space off a value', () => {
    expect(parse(createSseParser(), [encoder.encode('data:a\ndata:  b\ndata\n\n')])).toEqual([
      { event: 'message', data: 'a\n b\n' },
    ]);
  });
});

describe('newline-delimited JSON', () => {
  it('gives the same lines in any chunking, with either line end and none at the end', () => {
    fc.assert(
      fc.property(
        fc.array(fc.json(), { maxLength: 6 }),
        lineEnd,
        fc.boolean(),
        places,
        (values, eol, ended, cuts) => {
          const written = values.join(eol) + (ended ? eol : '');
          const expected = values.map((value) => new TextDecoder().decode(encoder.encode(value)));
          expect(parse(createNdjsonParser(), cut(encoder.encode(written), cuts))).toEqual(expected);
        },
      ),
    );
  });

  it('refuses a line that never ends', () => {
    const parser = createNdjsonParser();
    const chunk = new Uint8Array(1024 * 1024).fill(97);
    expect(() => {
      for (let i = 0; i < 10; i++) parser.push(chunk);
    }).toThrow('without an end');
  });
});

/** What is left of a text after UTF-8: a lone surrogate becomes U+FFFD. */
function decode(text: string): string {
  return new TextDecoder().decode(encoder.encode(text));
}
