import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { daysOfDate } from './calendar';
import { clampUs, HOUR_US, MAX_US, MIN_US, MINUTE_US, parseRfc3339, SECOND_US } from './moment';
import {
  dayOf,
  isZone,
  momentOf,
  momentOfWallUs,
  nextChange,
  offsetUs,
  startOfDay,
  viewerZone,
  wallOf,
  wallOfUs,
  wallUs,
  zoneNames,
} from './zone';

const zone = fc.constantFrom(...zoneNames());
/** Moments of a time with many changes of the clock, of the last two centuries, and of all years. */
const moment = fc.oneof(
  fc.integer({ min: at('1990-01-01T00:00:00Z'), max: at('2037-01-01T00:00:00Z') }),
  fc.integer({ min: at('1850-01-01T00:00:00Z'), max: at('2100-01-01T00:00:00Z') }),
  fc.double({ min: MIN_US, max: MAX_US, noNaN: true }).map(clampUs),
);

function at(text: string): number {
  return parseRfc3339(text) ?? Number.NaN;
}

/** Wall clock as `Intl` writes it: the oracle, without the cache. */
function wallByIntl(us: number, timeZone: string): string {
  const text = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
  return text.format(Math.floor(us / 1_000));
}

function show({ year, month, day, hour, minute, second }: ReturnType<typeof wallOf>): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)} ${[hour, minute, second].map(two).join(':')}`;
}

/** Each zone is asked for the first time, which is slow. */
const TIMEOUT_MS = 60_000;

describe('a wall clock', () => {
  it(
    'is that of Intl in every zone',
    () => {
      fc.assert(
        fc.property(zone, moment, (zone, us) => {
          fc.pre(us >= at('1000-01-01T00:00:00Z'));
          expect(show(wallOf(us, zone))).toBe(wallByIntl(us, zone));
        }),
        { numRuns: 250 },
      );
    },
    TIMEOUT_MS,
  );

  it(
    'gives its moment back, or the other moment with the same clock',
    () => {
      fc.assert(
        fc.property(zone, moment, (zone, us) => {
          const wall = wallOf(us, zone);
          const earlier = momentOf(wall, zone, 'earlier');
          const later = momentOf(wall, zone, 'later');
          expect([earlier, later]).toContain(us);
          expect(earlier).toBeLessThanOrEqual(later);
          expect(wallOf(earlier, zone)).toEqual(wall);
          expect(wallOf(later, zone)).toEqual(wall);
        }),
        { numRuns: 250 },
      );
    },
    TIMEOUT_MS,
  );

  it(
    'never runs backwards when moments are computed from it',
    () => {
      const near = fc.integer({ min: 0, max: 3 * 24 * 60 });
      fc.assert(
        fc.property(zone, moment, near, near, fc.constantFrom('earlier', 'later'), (zone, us, a, b, fold) => {
          const base = us - (us % MINUTE_US);
          const [first, second] = [Math.min(a, b), Math.max(a, b)].map((minutes) =>
            momentOfWallUs(base + minutes * MINUTE_US, zone, fold as 'earlier' | 'later'),
          );
          expect(first).toBeLessThanOrEqual(second ?? Number.NaN);
        }),
        { numRuns: 250 },
      );
    },
    TIMEOUT_MS,
  );

  it('shows two moments where clocks are set back', () => {
    const wall = { year: 2026, month: 10, day: 25, hour: 2, minute: 30, second: 0, micro: 5 };
    expect(momentOf(wall, 'Europe/Berlin')).toBe(at('2026-10-25T00:30:00.000005Z'));
    expect(momentOf(wall, 'Europe/Berlin', 'later')).toBe(at('2026-10-25T01:30:00.000005Z'));
  });

  it('skips to the change where clocks are set forward', () => {
    const wall = { year: 2026, month: 3, day: 29, hour: 2, minute: 10, second: 0, micro: 0 };
    expect(momentOf(wall, 'Europe/Berlin')).toBe(at('2026-03-29T01:00:00Z'));
    expect(momentOf(wall, 'Europe/Berlin', 'later')).toBe(at('2026-03-29T01:00:00Z'));
  });

  it('skips a day that a zone left out', () => {
    // Samoa crossed the date line: there is no 30 December 2011.
    const skipped = startOfDay(daysOfDate(2011, 12, 30), 'Pacific/Apia');
    expect(skipped).toBe(at('2011-12-30T10:00:00Z'));
    expect(startOfDay(daysOfDate(2011, 12, 31), 'Pacific/Apia')).toBe(skipped);
  });

  it('begins a day without a midnight at the change', () => {
    // Beirut sets its clocks forward at midnight.
    expect(startOfDay(daysOfDate(2026, 3, 29), 'Asia/Beirut')).toBe(at('2026-03-28T22:00:00Z'));
  });

  it('survives the first and the last year', () => {
    for (const zone of ['Pacific/Kiritimati', 'America/Los_Angeles', 'Asia/Kathmandu']) {
      for (const us of [MIN_US, MAX_US]) expect(momentOf(wallOf(us, zone), zone)).toBe(us);
      expect(momentOfWallUs(-1e20, zone)).toBe(MIN_US);
      expect(momentOfWallUs(1e20, zone)).toBe(MAX_US);
    }
  });

  it('is counted like UTC', () => {
    fc.assert(
      fc.property(moment, (us) => {
        expect(wallUs(wallOfUs(us))).toBe(us);
      }),
    );
  });
});

describe('changes of the clock', () => {
  it(
    'lie exactly where the offset changes',
    () => {
      const span = fc.integer({ min: 1, max: 90 * 24 });
      fc.assert(
        fc.property(zone, moment, span, (zone, us, hours) => {
          const change = nextChange(us, us + hours * HOUR_US, zone);
          if (change === null) {
            expect(offsetUs(us + hours * HOUR_US, zone)).toBe(offsetUs(us, zone));
          } else {
            expect(change).toBeGreaterThan(us);
            expect(offsetUs(change - SECOND_US, zone)).toBe(offsetUs(us, zone));
            expect(offsetUs(change, zone)).not.toBe(offsetUs(us, zone));
          }
        }),
        { numRuns: 150 },
      );
    },
    TIMEOUT_MS,
  );

  it('are found in Berlin and Lord Howe', () => {
    expect(nextChange(at('2026-01-01T00:00:00Z'), at('2027-01-01T00:00:00Z'), 'Europe/Berlin')).toBe(
      at('2026-03-29T01:00:00Z'),
    );
    const inApril = nextChange(at('2026-04-01T00:00:00Z'), at('2026-05-01T00:00:00Z'), 'Australia/Lord_Howe');
    expect(inApril).toBe(at('2026-04-04T15:00:00Z'));
  });
});

describe('zones', () => {
  it('are known by name', () => {
    expect(zoneNames()).toContain('UTC');
    expect(zoneNames()).toContain('Europe/Berlin');
    expect(zoneNames().every(isZone)).toBe(true);
    expect(isZone(viewerZone())).toBe(true);
    for (const name of ['', 'Europe', 'Berlin', 'Europe/Berlin2']) expect(isZone(name)).toBe(false);
  });

  it('have days', () => {
    expect(dayOf(at('2026-11-23T23:30:00Z'), 'Europe/Berlin')).toBe(daysOfDate(2026, 11, 24));
    expect(dayOf(at('2026-11-23T23:30:00Z'), 'UTC')).toBe(daysOfDate(2026, 11, 23));
  });
});
