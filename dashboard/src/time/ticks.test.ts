import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { clampUs, DAY_US, HOUR_US, MAX_US, MIN_US, MINUTE_US, parseRfc3339, SECOND_US } from './moment';
import { ticks } from './ticks';
import { wallOf } from './zone';

const zone = fc.constantFrom(
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'Africa/Monrovia',
);
const locale = fc.constantFrom('en-US', 'en-GB', 'de-DE', 'ja-JP', 'ar-EG', 'th-TH');
const width = fc.integer({ min: 200, max: 4_000 });
/** Lengths of all orders of magnitude, from 1 µs to 10,000 years. */
const length = fc
  .double({ min: 0, max: Math.log10(3.2e17), noNaN: true })
  .map((power) => Math.round(10 ** power));
const start = fc.oneof(
  fc.integer({ min: at('1960-01-01T00:00:00Z'), max: at('2040-01-01T00:00:00Z') }),
  fc.double({ min: MIN_US, max: MAX_US, noNaN: true }).map(clampUs),
  // Around a change of the clock.
  fc.integer({ min: -3_600, max: 3_600 }).map((s) => at('2026-10-25T01:00:00Z') + s * SECOND_US),
);

/** Axes of all lengths inside the years 0001 to 9999. */
const axis = fc.tuple(start, length).map(([start, length]) => {
  const from = Math.max(Math.min(start, MAX_US - length), MIN_US);
  return { from, until: Math.min(from + length, MAX_US) };
});

function at(text: string): number {
  return parseRfc3339(text) ?? Number.NaN;
}

function texts(from: string, until: string, zone: string, width = 800, locale = 'en-GB'): string[] {
  return ticks(at(from), at(until), width, zone, locale).map(({ label, context }) =>
    context === null ? label : `${label} | ${context}`,
  );
}

const RUNS = { numRuns: 150 };
/** `Intl` is slow on its first answer for a zone, so that a busy machine needs longer than usual. */
const TIMEOUT_MS = 60_000;

/** Number of texts that `Intl` has formatted. */
let formats = 0;
const { get: formatOf } = Object.getOwnPropertyDescriptor(Intl.DateTimeFormat.prototype, 'format') ?? {};
Object.defineProperty(Intl.DateTimeFormat.prototype, 'format', {
  get(this: Intl.DateTimeFormat) {
    formats += 1;
    return formatOf?.call(this) as unknown;
  },
});

/** `Intl` writes a narrow space before `PM`. */
function plain(text: string): string {
  return text.replaceAll('\u202f', ' ');
}

describe('ticks of every span', () => {
  it(
    'are few, in order, inside the axis, and found with little work',
    () => {
      fc.assert(
        fc.property(axis, width, zone, locale, ({ from, until }, width, zone, locale) => {
          const begun = formats;
          const found = ticks(from, until, width, zone, locale);
          // Nearly all of the time is spent by `Intl`. A time itself is no test on a busy machine.
          expect(formats - begun).toBeLessThan(300 + 12 * found.length);
          expect(found.length).toBeLessThanOrEqual(width / 30);
          let before = -Infinity;
          for (const tick of found) {
            expect(tick.atUs).toBeGreaterThan(before);
            expect(tick.atUs).toBeGreaterThanOrEqual(from);
            expect(tick.atUs).toBeLessThanOrEqual(until);
            before = tick.atUs;
          }
        }),
        RUNS,
      );
    },
    TIMEOUT_MS,
  );

  it(
    'leave no part of a wide axis empty',
    () => {
      const wide = fc.integer({ min: 700, max: 4_000 });
      fc.assert(
        fc.property(axis, wide, zone, ({ from, until }, width, zone) => {
          const length = until - from;
          // Far from 1970, neighbouring microseconds have the same number.
          fc.pre(length >= 20 && (Math.abs(from) < 8e15 || length > 10_000));
          const found = ticks(from, until, width, zone, 'en-GB').map((tick) => tick.atUs);
          const edges = [from, ...found, until];
          const widest = Math.max(...edges.slice(1).map((us, index) => us - (edges[index] ?? us)));
          expect(found.length).toBeGreaterThan(1);
          expect((widest / length) * width).toBeLessThan(Math.max(0.55 * width, 420));
        }),
        RUNS,
      );
    },
    TIMEOUT_MS,
  );

  it(
    'do not overlap',
    () => {
      fc.assert(
        fc.property(axis, width, zone, ({ from, until }, width, zone) => {
          fc.pre(until > from);
          const found = ticks(from, until, width, zone, 'en-GB');
          const x = (us: number): number => ((us - from) / (until - from)) * width;
          for (const texts of [
            found.map((tick) => ({ x: x(tick.atUs), text: tick.label })),
            found.flatMap((tick) => (tick.context === null ? [] : [{ x: x(tick.atUs), text: tick.context }])),
          ]) {
            for (const [index, { x, text }] of texts.entries()) {
              const next = texts[index + 1];
              if (next) expect(next.x - x).toBeGreaterThan((7 * (text.length + next.text.length)) / 2 + 4);
            }
          }
        }),
        RUNS,
      );
    },
    TIMEOUT_MS,
  );

  it('are round on the wall clock', () => {
    const hours = fc.integer({ min: 3, max: 14 * 24 });
    fc.assert(
      fc.property(start, hours, zone, (from, hours, zone) => {
        fc.pre(from > at('1980-01-01T00:00:00Z') && from < at('2100-01-01T00:00:00Z'));
        for (const tick of ticks(from, from + hours * HOUR_US, 800, zone, 'en-GB')) {
          const wall = wallOf(tick.atUs, zone);
          expect([wall.minute % 5, wall.second, wall.micro]).toEqual([0, 0, 0]);
        }
      }),
    );
  });

  it('are none for an axis without a span or a width', () => {
    expect(ticks(5, 4, 800, 'UTC')).toEqual([]);
    expect(ticks(Number.NaN, 4, 800, 'UTC')).toEqual([]);
    expect(ticks(0, Number.POSITIVE_INFINITY, 0, 'UTC')).toEqual([]);
    expect(ticks(-Infinity, Infinity, 800, 'UTC').length).toBeGreaterThan(0);
    expect(ticks(SECOND_US, SECOND_US, 800, 'UTC', 'en-GB').map((tick) => tick.label)).toEqual([
      '00:00:01.000000',
    ]);
  });
});

describe('the labels', () => {
  it('show the date where it changes', () => {
    expect(texts('2026-11-23T17:00:00Z', '2026-11-24T05:00:00Z', 'Europe/Berlin', 600)).toEqual([
      '18:00 | Mon, 23 Nov 2026',
      '20:00',
      '22:00',
      '00:00 | Tue 24 Nov',
      '02:00',
      '04:00',
      '06:00',
    ]);
  });

  it('leave the first date out if the next one is close', () => {
    const [first, second] = texts('2026-11-23T22:30:00Z', '2026-11-24T09:30:00Z', 'UTC', 700);
    expect([first, second]).toEqual(['23:00', '00:00 | Tue, 24 Nov 2026']);
  });

  it('show the offset where clocks are set back', () => {
    expect(texts('2026-10-25T00:00:00Z', '2026-10-25T02:30:00Z', 'Europe/Berlin', 500)).toEqual([
      '02:00 | Sun, 25 Oct 2026',
      '02:30',
      '02:00 | GMT+1',
      '02:30',
      '03:00',
      '03:30',
    ]);
  });

  it('skip hours that clocks skip', () => {
    expect(texts('2026-03-28T23:00:00Z', '2026-03-29T04:00:00Z', 'Europe/Berlin', 500)).toEqual([
      '00:00 | Sun, 29 Mar 2026',
      '01:00',
      '03:00 | GMT+2',
      '04:00',
      '05:00',
      '06:00',
    ]);
  });

  it('have room where they become wider along the axis', () => {
    // The width of the label `10` was taken for all years, and `9800` nearly touched `9900`.
    const found = ticks(at('0010-01-01T00:00:00Z'), MAX_US, 2_933, 'UTC', 'en-GB');
    const [first, second] = [found.at(-2)?.atUs ?? 0, found.at(-1)?.atUs ?? 0];
    expect(((second - first) / (MAX_US - at('0010-01-01T00:00:00Z'))) * 2_933).toBeGreaterThan(4 * 7 + 10);
  });

  it('are days, months and years for long spans', () => {
    expect(texts('2026-11-01T00:00:00Z', '2026-12-01T00:00:00Z', 'UTC', 500)).toEqual([
      '2 Nov | 2026',
      '9 Nov',
      '16 Nov',
      '23 Nov',
      '30 Nov',
    ]);
    expect(texts('2025-10-15T00:00:00Z', '2026-06-15T00:00:00Z', 'Asia/Tokyo', 500)).toEqual([
      'Nov | 2025',
      'Dec',
      'Jan | 2026',
      'Feb',
      'Mar',
      'Apr',
      'May',
      'Jun',
    ]);
    expect(texts('0001-01-01T00:00:00Z', '9999-12-31T00:00:00Z', 'UTC', 500)).toEqual([
      '1000',
      '2000',
      '3000',
      '4000',
      '5000',
      '6000',
      '7000',
      '8000',
      '9000',
    ]);
  });

  it('have as many digits as the ticks need', () => {
    const from = at('2026-11-23T12:00:00.999990Z');
    const found = ticks(from, from + 20, 800, 'UTC', 'de-DE').map((tick) => tick.label);
    expect(found).toContain('12:00:00,999995');
    expect(found).toContain('12:00:01,000000');
    const seconds = ticks(from, from + 10 * SECOND_US, 800, 'UTC', 'en-US').map((tick) => plain(tick.label));
    expect(seconds).toContain('12:00:02 PM');
    const half = ticks(from, from + 3 * SECOND_US, 800, 'UTC', 'en-US').map((tick) => plain(tick.label));
    expect(half).toContain('12:00:02.5 PM');
  });

  it('are the same for a whole range of widths of a day', () => {
    for (const width of [280, 360, 800, 1_920]) {
      const found = ticks(0, DAY_US, width, 'UTC', 'en-GB');
      expect(found.length).toBeGreaterThanOrEqual(3);
      expect(found.every((tick) => tick.atUs % (30 * MINUTE_US) === 0)).toBe(true);
    }
  });
});
