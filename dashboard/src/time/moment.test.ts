import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { clampUs, MAX_US, MIN_US, momentOfApi, parseRfc3339, toRfc3339, toShortRfc3339 } from './moment';

/** Microseconds of the years that a number holds exactly, and of all years. */
const exact = fc.integer({ min: -8_900_000_000_000_000, max: 8_900_000_000_000_000 });
const any = fc.double({ min: MIN_US, max: MAX_US, noNaN: true }).map(clampUs);

describe('RFC 3339', () => {
  it('is read and written without loss', () => {
    fc.assert(
      fc.property(fc.oneof(exact, any), (us) => {
        expect(parseRfc3339(toRfc3339(us))).toBe(us);
        expect(parseRfc3339(toShortRfc3339(us))).toBe(us);
      }),
      { numRuns: 2_000 },
    );
  });

  it('agrees with Date in the milliseconds', () => {
    fc.assert(
      fc.property(exact, (us) => {
        expect(Date.parse(toRfc3339(us))).toBe(Math.floor(us / 1_000));
      }),
    );
  });

  it('has the form of the API', () => {
    expect(toRfc3339(0)).toBe('1970-01-01T00:00:00.000000Z');
    expect(toRfc3339(-1)).toBe('1969-12-31T23:59:59.999999Z');
    expect(toShortRfc3339(1_500_000)).toBe('1970-01-01T00:00:01.5Z');
    expect(toShortRfc3339(0)).toBe('1970-01-01T00:00:00Z');
    expect(toShortRfc3339(600_000_000)).toBe('1970-01-01T00:10:00Z');
  });

  it('accepts offsets, lower case, spaces and more digits', () => {
    const us = Date.UTC(2026, 10, 23, 12, 0, 0) * 1_000;
    expect(parseRfc3339('2026-11-23T13:00:00+01:00')).toBe(us);
    expect(parseRfc3339('2026-11-23t07:15:00-04:45')).toBe(us);
    expect(parseRfc3339('2026-11-23 12:00:00')).toBe(us);
    expect(parseRfc3339('2026-11-23T12:00:00.1234567899z')).toBe(us + 123_456);
    expect(parseRfc3339('2026-11-23T11:59:60Z')).toBe(us);
  });

  it.each([
    '',
    'now',
    '2026-11-23',
    '2026-11-23T12:00Z',
    '2026-13-01T00:00:00Z',
    '2026-02-29T00:00:00Z',
    '2026-11-00T00:00:00Z',
    '2026-11-23T24:00:00Z',
    '2026-11-23T12:60:00Z',
    '2026-11-23T12:00:00+24:00',
    '0000-01-01T00:00:00Z',
    '2026-11-23T12:00:00Zx',
  ])('refuses %j', (text) => {
    expect(parseRfc3339(text)).toBeNull();
    expect(() => momentOfApi(text)).toThrow('not RFC 3339');
  });

  it('stays inside the years 0001 to 9999', () => {
    expect(toRfc3339(-Infinity)).toBe('0001-01-01T00:00:00.000000Z');
    expect(toRfc3339(Infinity)).toBe('9999-12-31T23:59:59.999968Z');
    expect(parseRfc3339('9999-12-31T23:59:59.999999Z')).toBe(MAX_US);
    expect(parseRfc3339('0001-01-01T00:00:00+10:00')).toBe(MIN_US);
  });
});
