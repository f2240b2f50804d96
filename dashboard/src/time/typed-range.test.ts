import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { between, rangeToQuery, type Range } from './range';
import { DAY_US, MAX_US, MIN_US, clampUs, parseRfc3339, toShortRfc3339 } from './moment';
import { editableText, parseRange } from './typed-range';

/** Thursday, 26 November 2026, half past twelve at night in Berlin. */
const here = { nowUs: at('2026-11-25T23:30:00Z'), zone: 'Europe/Berlin', locale: 'en-GB' };

function at(text: string): number {
  return parseRfc3339(text) ?? Number.NaN;
}

/** The range of a text: `all`, seconds, a unit of the calendar, or its ends. */
function read(text: string, inside = here): string {
  const typed = parseRange(text, inside);
  if ('fault' in typed) return `fault: ${typed.fault}`;
  const { range } = typed;
  if (range.kind === 'all') return 'all';
  if (range.kind === 'last') return `${range.seconds} s`;
  if (range.kind === 'calendar') return rangeToQuery(range).during ?? '';
  return `${toShortRfc3339(range.fromUs)} ${toShortRfc3339(range.untilUs)}`;
}

describe('spans up to now', () => {
  it.each([
    ['last 3 h', 10_800],
    ['Last 3 hours', 10_800],
    ['3h', 10_800],
    ['past 90 min', 5_400],
    ['1 h 30 min', 5_400],
    ['1.5 hours', 5_400],
    ['1,5 h', 5_400],
    ['last hour', 3_600],
    ['last day', 86_400],
    ['2 weeks', 14 * 86_400],
    ['last 3 months', 90 * 86_400],
    ['1 y', 365 * 86_400],
    ['500 ms', 0.5],
    ['  last   5   minutes ', 300],
  ])('%s', (text, seconds) => {
    expect(read(text)).toBe(`${seconds} s`);
  });
});

describe('days and longer units of the calendar', () => {
  const third = '2026-11-02T23:00:00Z 2026-11-03T23:00:00Z';
  it.each([
    ['all', 'all'],
    ['2026-11-03', third],
    ['2026-11-3', third],
    ['3.11.2026', third],
    ['03. 11. 2026', third],
    ['3 Nov 2026', third],
    ['3 november 2026', third],
    ['Nov 3, 2026', third],
    ['November 3rd 2026', third],
    ['26/11/2026', '2026-11-25T23:00:00Z 2026-11-26T23:00:00Z'],
    ['11/26/2026', '2026-11-25T23:00:00Z 2026-11-26T23:00:00Z'],
    ['11/11/2026', '2026-11-10T23:00:00Z 2026-11-11T23:00:00Z'],
    ['today', 'today'],
    ['Yesterday', 'yesterday'],
    ['this week', 'this-week'],
    ['last week', 'last-week'],
    ['last month', 'last-month'],
    ['2026-11', '2026-10-31T23:00:00Z 2026-11-30T23:00:00Z'],
    ['Nov 2026', '2026-10-31T23:00:00Z 2026-11-30T23:00:00Z'],
    ['2026', '2025-12-31T23:00:00Z 2026-12-31T23:00:00Z'],
  ])('%s', (text, expected) => {
    expect(read(text)).toBe(expected);
  });

  it('have names in the language of the viewer', () => {
    expect(read('3. März 2026', { ...here, locale: 'de-DE' })).toBe(
      '2026-03-02T23:00:00Z 2026-03-03T23:00:00Z',
    );
    expect(read('3 août 2026', { ...here, locale: 'fr-FR' })).toBe(
      '2026-08-02T22:00:00Z 2026-08-03T22:00:00Z',
    );
  });
});

describe('two ends', () => {
  const nightly = '2026-11-25T21:00:00Z 2026-11-26T01:00:00Z';
  const hour = '2026-11-25T09:00:00Z 2026-11-25T10:00:00Z';
  it.each([
    ['2026-11-01 12:00 .. 2026-11-05', '2026-11-01T11:00:00Z 2026-11-05T23:00:00Z'],
    ['2026-11-01..2026-11-05', '2026-10-31T23:00:00Z 2026-11-05T23:00:00Z'],
    ['2026-11-01 to 2026-11-05', '2026-10-31T23:00:00Z 2026-11-05T23:00:00Z'],
    ['from 2026-11-01 until 2026-11-05', '2026-10-31T23:00:00Z 2026-11-05T23:00:00Z'],
    ['between 1 Nov 2026 and 5 Nov 2026', '2026-10-31T23:00:00Z 2026-11-05T23:00:00Z'],
    ['2026-11-01 – 2026-11-05', '2026-10-31T23:00:00Z 2026-11-05T23:00:00Z'],
    ['2026-10 - 2026-11', '2026-09-30T22:00:00Z 2026-11-30T23:00:00Z'],
    ['yesterday 10:00 - 11:00', hour],
    ['yesterday 10:00-11:00', hour],
    ['yesterday, 10 am - 11 am', hour],
    ['yesterday 10:00 - 11 a.m.', hour],
    ['yesterday at 10:00 to yesterday 11:00', hour],
    ['2026-11-25T09:00:00Z/2026-11-25T10:00:00Z', hour],
    ['2026-11-25T09:00:00Z - 2026-11-25T10:00:00Z', hour],
    ['2026-11-25T10:00:00+01:00 .. 2026-11-25T05:00:00-05:00', hour],
    ['2026-11-25T09:00Z .. 2026-11-25 10:00 UTC', hour],
    ['2026-11-25 10:00 .. 11:00', hour],
    ['2026-11-25 10:00:00.000000-11:00', hour],
    ['yesterday 22:00 - 02:00', nightly],
    ['yesterday 10:00 - 11:00 pm', '2026-11-25T21:00:00Z 2026-11-25T22:00:00Z'],
    ['yesterday 10:00 - 2:00 pm', '2026-11-25T09:00:00Z 2026-11-25T13:00:00Z'],
    ['yesterday 12:00 - 1:00 pm', '2026-11-25T11:00:00Z 2026-11-25T12:00:00Z'],
    ['yesterday 22:00 - 24:00', '2026-11-25T21:00:00Z 2026-11-25T23:00:00Z'],
    ['00:00 - 00:15', '2026-11-25T23:00:00Z 2026-11-25T23:15:00Z'],
    ['since yesterday', '2026-11-24T23:00:00Z 2026-11-25T23:30:00Z'],
    ['2026-11-01 .. now', '2026-10-31T23:00:00Z 2026-11-25T23:30:00Z'],
    ['3 h ago .. 1 h ago', '2026-11-25T20:30:00Z 2026-11-25T22:30:00Z'],
    [
      '2026-11-25 10:00:00.000001 .. 2026-11-25 10:00:00,000003',
      '2026-11-25T09:00:00.000001Z 2026-11-25T09:00:00.000003Z',
    ],
    ['26/11/2026 - 27/11/2026', '2026-11-25T23:00:00Z 2026-11-27T23:00:00Z'],
  ])('%s', (text, expected) => {
    expect(read(text)).toBe(expected);
  });

  it('contain both passes of an hour that clocks show twice', () => {
    expect(read('2026-10-25 02:00 - 02:30')).toBe('2026-10-25T00:00:00Z 2026-10-25T01:30:00Z');
  });
});

describe('a fault', () => {
  it.each([
    ['', 'Write a span'],
    ['soon', 'Write a span'],
    ['last', 'Write a span'],
    ['3 parsecs', 'Write a span'],
    ['2026-11-03 10:00', 'is a single moment'],
    ['2026-11-03T10:00:00-05:00', 'is a single moment'],
    ['now', 'is a single moment'],
    ['2026-11-05 .. 2026-11-01', 'The end is not after the start'],
    ['2026-11-05 10:00 .. 2026-11-05 10:00', 'The end is not after the start'],
    ['2026-02-30', 'February 2026 has 28 days'],
    ['2026-13-01', 'There is no month 13'],
    ['2026-11-01 .. 2026-11-31', 'November 2026 has 30 days'],
    ['3/11/2026', '“3/11/2026” has two meanings. Write 2026-11-03 or 2026-03-11 instead.'],
    ['3/11/2026 - 5/11/2026', 'Write 2026-11-03 or 2026-03-11 instead'],
    ['0 s', 'too short'],
    ['99999999999 y', 'too long'],
    ['2026-11-03 25:00 .. 26:00', 'Write a span'],
    ['x'.repeat(1_000), 'Write a span'],
  ])('explains %j', (text, reason) => {
    expect(read(text)).toContain(`fault: `);
    expect(read(text)).toContain(reason);
  });

  it('is the worst that any text can cause', () => {
    const words = fc.constantFrom(
      ...[
        'last',
        'now',
        '..',
        ' - ',
        '2026',
        '-',
        '11',
        '/',
        '10:00',
        'pm',
        'Z',
        '+01:00',
        'h',
        'Nov',
        'ago',
        'to',
        ' ',
      ],
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(words, { maxLength: 12 }).map((words) => words.join('')),
    );
    fc.assert(
      fc.property(text, (text) => {
        const typed = parseRange(text, here);
        if ('range' in typed && typed.range.kind === 'between') {
          expect(typed.range.fromUs).toBeLessThan(typed.range.untilUs);
          expect(typed.range.fromUs).toBeGreaterThanOrEqual(MIN_US);
          expect(typed.range.untilUs).toBeLessThanOrEqual(MAX_US);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('the text to edit', () => {
  const moment = fc.oneof(
    fc.integer({ min: 0, max: at('2100-01-01T00:00:00Z') }),
    fc.integer({ min: 0, max: 45_000 }).map((days) => days * DAY_US - 3_600_000_000),
    fc.integer({ min: -7_200, max: 7_200 }).map((s) => at('2026-10-25T01:00:00Z') + s * 1_000_000),
    fc.double({ min: MIN_US, max: MAX_US, noNaN: true }).map(clampUs),
  );
  const range: fc.Arbitrary<Range> = fc.oneof(
    fc.constant<Range>({ kind: 'all' }),
    fc.integer({ min: 1, max: 1e9 }).map((seconds): Range => ({ kind: 'last', seconds })),
    fc
      .tuple(fc.constantFrom('day', 'week', 'month', 'year'), fc.constantFrom(0, -1))
      .map(([unit, offset]): Range => ({ kind: 'calendar', unit, offset })),
    fc
      .tuple(moment, moment)
      .map(([a, b]): Range => between(Math.min(a, b), Math.max(a, b)) ?? { kind: 'all' }),
  );

  it('is read as the same range in every zone', () => {
    const zone = fc.constantFrom(
      'UTC',
      'Europe/Berlin',
      'America/New_York',
      'Asia/Kathmandu',
      'Pacific/Apia',
    );
    fc.assert(
      fc.property(range, zone, (range, zone) => {
        expect(parseRange(editableText(range, zone), { ...here, zone })).toEqual({ range });
      }),
      { numRuns: 1_000 },
    );
  });

  it('is short', () => {
    const text = (from: string, until: string): string =>
      editableText({ kind: 'between', fromUs: at(from), untilUs: at(until) }, 'Europe/Berlin');
    expect(text('2026-11-02T23:00:00Z', '2026-11-03T23:00:00Z')).toBe('2026-11-03');
    expect(text('2026-11-02T23:00:00Z', '2026-11-05T23:00:00Z')).toBe('2026-11-03 .. 2026-11-05');
    expect(text('2026-11-03T09:00:00Z', '2026-11-03T10:00:01.5Z')).toBe(
      '2026-11-03 10:00 .. 2026-11-03 11:00:01.5',
    );
    expect(editableText({ kind: 'last', seconds: 10_800 }, 'UTC')).toBe('last 3 h');
    expect(editableText({ kind: 'calendar', unit: 'week', offset: -1 }, 'UTC')).toBe('last week');
  });
});
