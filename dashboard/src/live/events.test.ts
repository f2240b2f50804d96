import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { EventParser, EventTooLong, type StreamEvent } from './events';
import { EVENT_CHARS_MAX } from './limits';

/** Splits a text at any places. */
function chunks(text: string): fc.Arbitrary<string[]> {
  return fc.array(fc.nat(text.length)).map((places) => {
    const ends = [...places, text.length].sort((a, b) => a - b);
    return ends.map((end, i) => text.slice(ends[i - 1] ?? 0, end));
  });
}

function parse(parts: readonly string[]): { events: StreamEvent[]; lastEventId: string } {
  const parser = new EventParser();
  return { events: parts.flatMap((part) => parser.push(part)), lastEventId: parser.lastEventId };
}

const line = fc.oneof(
  fc.constantFrom(
    '',
    '',
    'data',
    'data:',
    'data: a',
    'data:  b',
    'event: reading',
    'event:',
    ': comment',
    ':',
    'retry: 10',
  ),
  fc.nat(99).map((id) => `id: ${id}`),
  fc.string({ unit: 'grapheme' }).map((text) => `data: ${text.replaceAll(/[\r\n]/g, '')}`),
  fc.string().map((text) => text.replaceAll(/[\r\n]/g, '')),
);
const stream = fc
  .array(fc.tuple(line, fc.constantFrom('\n', '\r', '\r\n')))
  .map((lines) => lines.map(([text, end]) => text + end).join(''));

describe('the parser of event streams', () => {
  it('finds the same events in any chunks', () => {
    fc.assert(
      fc.property(
        stream.chain((text) => fc.tuple(fc.constant(text), chunks(text))),
        ([text, parts]) => {
          expect(parse(parts)).toEqual(parse([text]));
          expect(parse([...text])).toEqual(parse([text]));
        },
      ),
    );
  });

  it('returns the events that were written', () => {
    const written = fc.record({
      type: fc.stringMatching(/^[a-z]+$/),
      data: fc.array(
        fc.string({ unit: 'grapheme' }).filter((text) => !/[\r\n]/.test(text)),
        { minLength: 1 },
      ),
      id: fc.stringMatching(/^[a-z0-9-]+$/),
    });
    const end = fc.constantFrom('\n', '\r', '\r\n');
    fc.assert(
      fc.property(fc.array(written), end, (events, end) => {
        const text = events
          .map(({ type, data, id }) =>
            [`event: ${type}`, `id: ${id}`, ...data.map((line) => `data: ${line}`), '', ''].join(end),
          )
          .join(`: a comment${end}`);
        const expected = events.map(({ type, data }) => ({ type, data: data.join('\n') }));
        expect(parse([text])).toEqual({ events: expected, lastEventId: events.at(-1)?.id ?? '' });
      }),
    );
  });

  it('takes an id without data, and only from complete blocks', () => {
    const parser = new EventParser();
    expect(parser.push('retry: 1000\nid: a-1\n\n')).toEqual([]);
    expect(parser.lastEventId).toBe('a-1');
    expect(parser.push('event: reading\nid: a-2\ndata: 1\n')).toEqual([]);
    expect(parser.lastEventId).toBe('a-1');
    expect(parser.push('\n')).toEqual([{ type: 'reading', data: '1' }]);
    expect(parser.lastEventId).toBe('a-2');
  });

  it('skips a byte order mark at the start only', () => {
    expect(parse(['', '\uFEFFdata: 1\n\n']).events).toEqual([{ type: 'message', data: '1' }]);
    expect(parse(['data: 1\n\n\uFEFFdata: 2\n\n']).events).toHaveLength(1);
  });

  it('refuses an endless line and endless data', () => {
    const part = 'x'.repeat(1_000);
    const push = (parts: string) => () => {
      const parser = new EventParser();
      for (let length = 0; length <= EVENT_CHARS_MAX + 1_000; length += 1_000) parser.push(parts);
    };
    expect(push(part)).toThrow(EventTooLong);
    expect(push(`data: ${part}\n`)).toThrow(EventTooLong);
    expect(push(`data: ${part}\n\n`)).not.toThrow();
  });
});
