import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { MAX_US, MIN_US, parseRfc3339, SECOND_US, toRfc3339 } from './moment';
import { agoText, dateText, momentText, offsetText, spanText, timeText, windowText } from './text';

const now = at('2026-11-26T12:00:00Z');

function at(text: string): number {
  return parseRfc3339(text) ?? Number.NaN;
}

/** `Intl` writes spaces of several kinds, and not always around a dash. */
function plain(text: string): string {
  return text.replace(/[\u00a0\u2009\u202f]/g, ' ').replace(/\s*–\s*/g, ' – ');
}

describe('a moment', () => {
  it('is shown in the zone and the locale', () => {
    const us = at('2026-11-23T12:05:09Z');
    expect(momentText(us, 'Europe/Berlin', 'en-GB')).toBe('23 Nov 2026, 13:05:09');
    expect(plain(momentText(us, 'America/New_York', 'en-US'))).toBe('Nov 23, 2026, 07:05:09 AM');
    expect(momentText(us, 'UTC', 'de-DE')).toBe('23. Nov. 2026, 12:05:09');
    expect(momentText(us, null, 'en-GB')).toContain('2026');
    expect(dateText(us, 'Pacific/Auckland', 'en-GB')).toBe('24 Nov 2026');
    expect(timeText(us, 'UTC', 'minute', 'en-GB')).toBe('12:05');
    expect(offsetText(us, 'Asia/Kathmandu', 'en-GB')).toBe('GMT+5:45');
  });

  it('has the digits that it needs', () => {
    expect(momentText(at('2026-11-23T12:05:09.500Z'), 'UTC', 'en-GB')).toBe('23 Nov 2026, 12:05:09.500');
    expect(momentText(at('2026-11-23T12:05:09.000007Z'), 'UTC', 'de-DE')).toBe(
      '23. Nov. 2026, 12:05:09,000007',
    );
    expect(momentText(at('1969-12-31T23:59:59.999999Z'), 'UTC', 'en-GB')).toBe(
      '31 Dec 1969, 23:59:59.999999',
    );
    expect(timeText(at('2026-11-23T12:05:09.987654Z'), 'UTC', 2, 'en-GB')).toBe('12:05:09.98');
  });

  it('shows the same digits as RFC 3339', () => {
    fc.assert(
      fc.property(fc.integer({ min: -8e15, max: 8e15 }), (us) => {
        fc.pre(us % SECOND_US !== 0);
        const fraction = /\.(\d+)Z/.exec(toRfc3339(us))?.[1] ?? '';
        const shown = /\.(\d+)$/.exec(momentText(us, 'UTC', 'en-GB'))?.[1] ?? '';
        expect(shown.padEnd(6, '0')).toBe(fraction);
      }),
    );
  });
});

describe('a window', () => {
  const text = (from: string, until: string, zone = 'Europe/Berlin'): string =>
    plain(windowText(at(from), at(until), zone, 'en-GB'));

  it('is dates if it is whole days', () => {
    expect(text('2026-11-22T23:00:00Z', '2026-11-23T23:00:00Z')).toBe('Mon, 23 Nov 2026');
    expect(text('2026-11-22T23:00:00Z', '2026-11-29T23:00:00Z')).toBe('23 – 29 Nov 2026');
    expect(text('2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z')).toBe('Sun, 29 Mar 2026');
  });

  it('has times otherwise', () => {
    expect(text('2026-11-23T11:00:00Z', '2026-11-23T12:30:00Z')).toBe('23 Nov 2026, 12:00 – 13:30');
    expect(text('2026-11-23T11:00:00Z', '2026-11-24T12:30:01Z')).toContain('13:30:01');
    expect(text('2026-11-23T11:00:00.000001Z', '2026-11-23T11:00:00.000003Z')).toBe(
      '23 Nov 2026, 12:00:00.000001 – 23 Nov 2026, 12:00:00.000003',
    );
  });

  it('has a text whatever its ends are', () => {
    fc.assert(
      fc.property(fc.double({ min: MIN_US, max: MAX_US, noNaN: true }), (us) => {
        const from = Math.round(us);
        expect(windowText(from, Math.min(from + 5e15, MAX_US), 'Asia/Tokyo', 'ja-JP')).not.toBe('');
      }),
    );
  });
});

describe('a span', () => {
  it.each([
    [0, '0 sec'],
    [1, '1 μs'],
    [1_500, '1 ms 500 μs'],
    [1_500_000, '1 sec 500 ms'],
    [90 * SECOND_US, '1 min 30 sec'],
    [3_599.9 * SECOND_US, '1 hr'],
    [12_000 * SECOND_US, '3 hr 20 min'],
    [86_400 * SECOND_US, '1 day'],
    [(86_400 * 3 + 3_700) * SECOND_US, '3 days 1 hr'],
    [-60 * SECOND_US, '1 min'],
    [365.2425 * 86_400 * 5.2 * SECOND_US, '5.2 yrs'],
  ])('of %d µs is %s', (us, expected) => {
    expect(plain(spanText(us, 'en-US'))).toBe(expected);
  });

  it('has at most two parts', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e17, noNaN: true }), (us) => {
        expect(plain(spanText(us, 'en-US')).split(' ').length).toBeLessThanOrEqual(4);
      }),
    );
  });
});

describe('a moment relative to now', () => {
  it.each([
    [0, 'now'],
    [-0.9, 'now'],
    [-59.9, '59 sec. ago'],
    [-180, '3 min. ago'],
    [-3_599, '59 min. ago'],
    [-7_200, '2 hr. ago'],
    [-86_400 * 1.5, '1 day ago'],
    [-86_400 * 12, '12 days ago'],
    [-86_400 * 70, '2 mo. ago'],
    [-86_400 * 366, '1 yr. ago'],
    [-86_400 * 1_000, '2 yr. ago'],
    [7_200, 'in 2 hr.'],
  ])('%d s is %s', (seconds, expected) => {
    expect(agoText(now + seconds * SECOND_US, now, 'en-US')).toBe(expected);
  });

  it('is in the language of the viewer', () => {
    expect(agoText(now - 180 * SECOND_US, now, 'de-DE')).toBe('vor 3 Min.');
  });
});
