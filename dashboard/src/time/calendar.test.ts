import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { dateOfDays, daysInMonth, daysOfDate, floorMod, weekdayOfDays } from './calendar';

const DAY_MS = 86_400_000;

describe('the calendar', () => {
  it('numbers every day of 10,000 years like Date', () => {
    // A step of 13 days meets each combination of day of the month and leap year.
    for (let days = -719_162; days <= 2_932_896; days += 13) {
      const date = new Date(days * DAY_MS);
      const { year, month, day } = dateOfDays(days);
      const expected = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
      if (year !== expected[0] || month !== expected[1] || day !== expected[2]) {
        expect([year, month, day]).toEqual(expected);
      }
      if (daysOfDate(year, month, day) !== days) expect(daysOfDate(year, month, day)).toBe(days);
      if (weekdayOfDays(days) % 7 !== date.getUTCDay())
        expect(weekdayOfDays(days) % 7).toBe(date.getUTCDay());
    }
  });

  it('carries months into years', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9999 }), fc.integer({ min: -200, max: 200 }), (year, month) => {
        const carried = year + Math.floor((month - 1) / 12);
        expect(daysOfDate(year, month, 1)).toBe(daysOfDate(carried, floorMod(month - 1, 12) + 1, 1));
      }),
    );
  });

  it('knows leap years', () => {
    expect([2024, 2025, 1900, 2000].map((year) => daysInMonth(year, 2))).toEqual([29, 28, 28, 29]);
  });
});
