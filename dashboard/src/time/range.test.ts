import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { calendarWindow } from './calendar-window';
import { CALENDAR_RANGES, LAST_RANGES, rangeText } from './common-ranges';
import { clampUs, HOUR_US, MAX_US, MIN_US, parseRfc3339, SECOND_US, toShortRfc3339 } from './moment';
import {
  between,
  last,
  neighbour,
  rangeFromQuery,
  rangeToQuery,
  windowOf,
  zoomedOut,
  type Range,
  type Window,
} from './range';

function at(text: string): number {
  return parseRfc3339(text) ?? Number.NaN;
}

/** Ends of a range as RFC 3339. */
function ends(range: Range | Window | null): string[] {
  if (!range || !('fromUs' in range)) throw new Error('The range has no ends');
  return [toShortRfc3339(range.fromUs), toShortRfc3339(range.untilUs)];
}

const moment = fc.double({ min: MIN_US, max: MAX_US, noNaN: true }).map(clampUs);
const seconds = fc.oneof(
  fc.integer({ min: 1, max: 100_000_000 }),
  fc.integer({ min: 1, max: 10_000 }).map((hours) => hours * 3_600),
  fc.double({ min: 1e-6, max: 1e11, noNaN: true }),
);
export const anyRange: fc.Arbitrary<Range> = fc.oneof(
  fc.constant<Range>({ kind: 'all' }),
  seconds.map((seconds): Range => ({ kind: 'last', seconds })),
  fc
    .tuple(fc.constantFrom('day', 'week', 'month', 'year'), fc.constantFrom(0, -1))
    .map(([unit, offset]): Range => ({ kind: 'calendar', unit, offset })),
  fc.tuple(moment, moment).map(([a, b]): Range => between(Math.min(a, b), Math.max(a, b)) ?? { kind: 'all' }),
);
const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/Los_Angeles', 'Asia/Kathmandu', 'Africa/Cairo');

describe('a range in the address', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(anyRange, (range) => {
        expect(rangeFromQuery(new URLSearchParams(rangeToQuery(range)))).toEqual(range);
      }),
      { numRuns: 1_000 },
    );
  });

  it('is short', () => {
    expect(rangeToQuery({ kind: 'last', seconds: 21_600 })).toEqual({ last: '6h' });
    expect(rangeToQuery({ kind: 'last', seconds: 90 * 86_400 })).toEqual({ last: '90d' });
    expect(rangeToQuery({ kind: 'last', seconds: 90 })).toEqual({ last: '90s' });
    expect(rangeToQuery({ kind: 'last', seconds: 0.5 })).toEqual({ last: '0.5s' });
    expect(rangeToQuery({ kind: 'all' })).toEqual({ last: 'all' });
    expect(rangeToQuery({ kind: 'calendar', unit: 'day', offset: 0 })).toEqual({ during: 'today' });
    expect(rangeToQuery({ kind: 'calendar', unit: 'week', offset: -1 })).toEqual({ during: 'last-week' });
    const range: Range = { kind: 'between', fromUs: 0, untilUs: 1_500_000 };
    expect(rangeToQuery(range)).toEqual({ from: '1970-01-01T00:00:00Z', until: '1970-01-01T00:00:01.5Z' });
  });

  it.each([
    '',
    'last=',
    'last=6',
    'last=-6h',
    'last=0s',
    'last=1e9d',
    'last=999999999999999d',
    'from=2026-11-01T00:00:00Z',
    'from=2026-11-02T00:00:00Z&until=2026-11-01T00:00:00Z',
    'from=2026-11-02T00:00:00Z&until=2026-11-02T00:00:00Z',
    'from=yesterday&until=today',
    'during=tomorrow',
  ])('is refused if it is %j', (query) => {
    expect(rangeFromQuery(new URLSearchParams(query))).toBeNull();
  });
});

describe('a window', () => {
  it('ends now, is fixed, or has no bounds', () => {
    expect(windowOf({ kind: 'last', seconds: 60 }, 100 * SECOND_US, 'UTC')).toEqual({
      fromUs: 40 * SECOND_US,
      untilUs: 100 * SECOND_US,
    });
    expect(windowOf({ kind: 'between', fromUs: 1, untilUs: 2 }, 100, 'UTC')).toEqual({
      fromUs: 1,
      untilUs: 2,
    });
    expect(windowOf({ kind: 'all' }, 100, 'UTC')).toBeNull();
  });
});

describe('moves', () => {
  const inside = fc.integer({ min: at('1900-01-01T00:00:00Z'), max: at('2100-01-01T00:00:00Z') });
  const length = fc.integer({ min: 1, max: 400 * 24 * HOUR_US });

  it('go back where they came from', () => {
    fc.assert(
      fc.property(inside, length, zone, (fromUs, length, zone) => {
        const window: Window = { fromUs, untilUs: fromUs + length };
        const later = neighbour(window, 1, zone);
        if (later?.kind !== 'between') throw new Error('The move left the time');
        // Without whole days, the next window touches this one.
        expect(later.fromUs).toBe(window.untilUs);
        expect(neighbour(later, -1, zone)).toEqual({ kind: 'between', ...window });
      }),
    );
  });

  it('keep whole days whole where clocks change', () => {
    const day = { fromUs: at('2026-03-27T23:00:00Z'), untilUs: at('2026-03-28T23:00:00Z') };
    const next = neighbour(day, 1, 'Europe/Berlin');
    expect(ends(next)).toEqual(['2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z']);
  });

  it('keep whole months whole', () => {
    const february = { fromUs: at('2026-02-01T00:00:00Z'), untilUs: at('2026-03-01T00:00:00Z') };
    expect(ends(neighbour(february, -1, 'UTC'))).toEqual(['2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z']);
    const quarter = { fromUs: at('2026-01-01T00:00:00Z'), untilUs: at('2026-04-01T00:00:00Z') };
    expect(ends(neighbour(quarter, -1, 'UTC'))).toEqual(['2025-10-01T00:00:00Z', '2026-01-01T00:00:00Z']);
  });

  it('zoom out around the centre, and stay inside the years', () => {
    expect(zoomedOut({ kind: 'between', fromUs: 100, untilUs: 200 }, 0, 'UTC')).toEqual({
      kind: 'between',
      fromUs: 50,
      untilUs: 250,
    });
    expect(zoomedOut({ kind: 'last', seconds: 60 }, 0, 'UTC')).toEqual({ kind: 'last', seconds: 120 });
    fc.assert(
      fc.property(anyRange, (range) => {
        let wide = range;
        for (let count = 0; count < 150; count += 1) wide = zoomedOut(wide, 0, 'UTC');
        const window = windowOf(wide, 0, 'UTC');
        expect(window?.fromUs ?? MIN_US).toBeGreaterThanOrEqual(MIN_US);
        expect(window?.untilUs ?? MAX_US).toBeLessThanOrEqual(MAX_US);
        if (range.kind === 'between')
          expect(wide).toEqual({ kind: 'between', fromUs: MIN_US, untilUs: MAX_US });
      }),
    );
  });

  it('never leave the years 0001 to 9999', () => {
    fc.assert(
      fc.property(anyRange, zone, fc.constantFrom(-1 as const, 1 as const), (range, zone, direction) => {
        const window = windowOf(range, at('2026-11-23T12:00:00Z'), zone);
        if (!window) return;
        const moved = neighbour(window, direction, zone);
        if (moved?.kind !== 'between') return;
        expect(moved.fromUs).toBeGreaterThanOrEqual(MIN_US);
        expect(moved.untilUs).toBeLessThanOrEqual(MAX_US);
      }),
    );
  });
});

describe('common ranges', () => {
  const here = { nowUs: at('2026-11-25T23:30:00Z'), zone: 'Europe/Berlin', locale: 'en-GB' };

  it('are those of the calendar in a zone', () => {
    // It is Thursday, 26 November, in Berlin.
    expect(ends(calendarWindow('day', 0, here))).toEqual(['2026-11-25T23:00:00Z', '2026-11-26T23:00:00Z']);
    expect(ends(calendarWindow('week', 0, here))).toEqual(['2026-11-22T23:00:00Z', '2026-11-29T23:00:00Z']);
    expect(ends(calendarWindow('week', -1, here))).toEqual(['2026-11-15T23:00:00Z', '2026-11-22T23:00:00Z']);
    expect(ends(calendarWindow('month', 0, here))).toEqual(['2026-10-31T23:00:00Z', '2026-11-30T23:00:00Z']);
    expect(ends(calendarWindow('month', -1, here))).toEqual(['2026-09-30T22:00:00Z', '2026-10-31T23:00:00Z']);
    expect(ends(calendarWindow('year', 0, here))).toEqual(['2025-12-31T23:00:00Z', '2026-12-31T23:00:00Z']);
  });

  it('begin weeks with the day of the locale', () => {
    const american = { ...here, locale: 'en-US' };
    expect(ends(calendarWindow('week', 0, american))).toEqual([
      '2026-11-21T23:00:00Z',
      '2026-11-28T23:00:00Z',
    ]);
  });

  it('contain the present day, week and month at every moment', () => {
    const present = fc.integer({ min: 0, max: at('2100-01-01T00:00:00Z') });
    fc.assert(
      fc.property(present, zone, fc.constantFrom('en-US', 'de-DE', 'ar-EG'), (nowUs, zone, locale) => {
        for (const unit of ['day', 'week', 'month', 'year'] as const) {
          const [before, now] = [-1, 0].map((offset) =>
            calendarWindow(unit, offset, { nowUs, zone, locale }),
          );
          if (!before || !now) throw new Error('A window is missing');
          expect(now.fromUs).toBeLessThanOrEqual(nowUs);
          expect(now.untilUs).toBeGreaterThan(nowUs);
          expect(before.untilUs).toBe(now.fromUs);
        }
      }),
    );
  });

  it('have names', () => {
    const names = [...LAST_RANGES, ...CALENDAR_RANGES].map((range) => range.text);
    expect(new Set(names).size).toBe(16);
    expect(LAST_RANGES.map(({ range }) => rangeToQuery(range).last)).toEqual([
      '5m',
      '15m',
      '1h',
      '6h',
      '1d',
      '7d',
      '30d',
      '90d',
      '365d',
    ]);
  });
});

describe('a range of the calendar', () => {
  const today: Range = { kind: 'calendar', unit: 'day', offset: 0 };

  it('is another window when the day of the zone is over', () => {
    // A link to "today" that was opened a day later used to show the day of its click.
    const link = new URLSearchParams(rangeToQuery(today));
    const opened = (now: string, zone: string) => ends(windowOf(rangeFromQuery(link)!, at(now), zone));
    expect(opened('2026-11-25T22:59:59Z', 'Europe/Berlin')[0]).toBe('2026-11-24T23:00:00Z');
    expect(opened('2026-11-25T23:00:00Z', 'Europe/Berlin')[0]).toBe('2026-11-25T23:00:00Z');
    expect(opened('2026-11-25T23:00:00Z', 'UTC')[0]).toBe('2026-11-25T00:00:00Z');
  });

  it('zooms out around its present window', () => {
    expect(ends(zoomedOut(today, at('2026-11-25T12:00:00Z'), 'UTC'))).toEqual([
      '2026-11-24T12:00:00Z',
      '2026-11-26T12:00:00Z',
    ]);
  });

  it('is one of the common ranges', () => {
    expect(CALENDAR_RANGES.map(({ range }) => Object.values(rangeToQuery(range))[0])).toEqual([
      'today',
      'yesterday',
      'this-week',
      'last-week',
      'this-month',
      'last-month',
      'all',
    ]);
  });
});

describe('the text of a range', () => {
  it('says what is shown', () => {
    expect(rangeText({ kind: 'last', seconds: 21_600 }, 'UTC')).toBe('Last 6 hours, up to now');
    expect(rangeText({ kind: 'last', seconds: 5_400 }, 'UTC')).toBe('Last 1 hr 30 min, up to now');
    expect(rangeText({ kind: 'all' }, 'UTC')).toBe('All readings');
    const lastMonth: Range = { kind: 'calendar', unit: 'month', offset: -1 };
    expect(rangeText(lastMonth, 'UTC', 'en-GB', at('2026-11-25T12:00:00Z'))).toMatch(
      /^Last month: 1.*31 Oct 2026$/,
    );
    const day: Range = { kind: 'between', fromUs: 0, untilUs: 86_400 * SECOND_US };
    expect(rangeText(day, 'UTC', 'en-GB')).toBe('Thu, 1 Jan 1970');
  });
});

describe('limits', () => {
  it('refuse empty and endless ranges', () => {
    expect(between(5, 5)).toBeNull();
    expect(between(5, 4)).toBeNull();
    expect(between(Number.NaN, 4)).toBeNull();
    expect(last(0)).toBeNull();
    expect(last(Number.NaN)).toBeNull();
    expect(last(1e12)).toBeNull();
  });
});
