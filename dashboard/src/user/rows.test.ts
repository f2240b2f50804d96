import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { Statistics } from '../api/client';
import { columnsFor, type UserAnalysis } from './columns';
import { deviceRows, nextOrder, sortRows, totalRow, type DeviceRow } from './device-rows';
import { difference, differenceRows, totalDifference } from './differences';

function statistics(median: number, count = 3): Statistics {
  return {
    min_value: median - 1,
    max_value: median + 1,
    count,
    sum: null,
    median,
    mean: median,
    stddev: null,
    percentiles: [
      { percentile: 5, value: median - 0.5 },
      { percentile: 99.9, value: median + 0.5 },
    ],
  };
}

function analysis(medians: Record<string, number>): UserAnalysis {
  const of = (median: number): UserAnalysis['aggregate_stats'] => ({
    x: statistics(median),
    y: statistics(0),
    z: statistics(0),
    period_start: null,
    period_end: null,
  });
  return {
    user_id: 1,
    aggregate_stats: of(100),
    device_stats: Object.entries(medians).map(([device_id, median]) => ({ device_id, stats: of(median) })),
  };
}

const columns = columnsFor([99.9, 5]);
const keys = columns.map((column) => column.key);

describe('the columns', () => {
  it('have the percentiles in the order of their values', () => {
    expect(keys).toEqual([
      'count',
      'min_value',
      'p5',
      'median',
      'p99.9',
      'max_value',
      'mean',
      'stddev',
      'sum',
    ]);
  });

  it('find their values in an analysis', () => {
    const values = columns.map((column) => column.valueOf(statistics(10)));
    expect(values).toEqual([3, 9, 9.5, 10, 10.5, 11, 10, null, null]);
  });
});

describe('the rows of devices', () => {
  it('contain devices with and without readings, once', () => {
    const rows = deviceRows(analysis({ a: 1, b: 2 }), ['b', 'c'], 'x', columns);
    expect(rows.map((row) => row.deviceId)).toEqual(['a', 'b', 'c']);
    expect(rows.map((row) => row.values[keys.indexOf('median')])).toEqual([1, 2, null]);
    expect(deviceRows(null, ['c'], 'x', columns).map((row) => row.deviceId)).toEqual(['c']);
  });

  it('have no values for an axis that was not requested', () => {
    const [row] = deviceRows(analysis({ a: 1 }), ['a'], 'magnitude', columns);
    expect(row?.values.every((value) => value === null)).toBe(true);
    expect(totalRow(analysis({ a: 1 }), 'magnitude', columns)).toBeNull();
    expect(totalRow(analysis({ a: 1 }), 'x', columns)?.values[keys.indexOf('median')]).toBe(100);
  });
});

describe('the order of rows', () => {
  const row = fc.record({
    deviceId: fc.string({ minLength: 1, maxLength: 3 }),
    values: fc.tuple(fc.option(fc.double({ noNaN: true }))).map((values): (number | null)[] => values),
  });
  const rows = fc.uniqueArray(row, { selector: (row) => row.deviceId });
  const order = fc.record({ column: fc.constantFrom(null, 0), isDescending: fc.boolean() });

  it('keeps every row, sorts values, and puts missing ones last', () => {
    fc.assert(
      fc.property(rows, order, (rows, order) => {
        const sorted = sortRows(rows, order);
        expect(new Set(sorted)).toEqual(new Set(rows));
        if (order.column === null) return;
        const values = sorted.map((row) => row.values[0] ?? null);
        const missing = values.indexOf(null);
        if (missing >= 0) expect(values.slice(missing).every((value) => value === null)).toBe(true);
        const present = values.filter((value) => value !== null);
        for (const [index, value] of present.entries()) {
          const next = present[index + 1];
          if (next !== undefined) expect(order.isDescending ? value >= next : value <= next).toBe(true);
        }
      }),
    );
  });

  it('does not depend on the order before', () => {
    const shuffled = rows.chain((rows) =>
      fc.tuple(fc.constant(rows), fc.shuffledSubarray(rows, { minLength: rows.length })),
    );
    fc.assert(
      fc.property(shuffled, order, ([rows, other], order) => {
        expect(sortRows(other, order)).toEqual(sortRows(rows, order));
      }),
    );
  });

  it('sorts numbers in names by their value', () => {
    const row = (deviceId: string): DeviceRow => ({ deviceId, values: [] });
    const sorted = sortRows(['pump-10', 'pump-9', 'fan'].map(row), { column: null, isDescending: false });
    expect(sorted.map((row) => row.deviceId)).toEqual(['fan', 'pump-9', 'pump-10']);
    const displayed = sortRows(sorted, { column: null, isDescending: false }, new Map([['fan', 'Zephyr']]));
    expect(displayed.map((row) => row.deviceId)).toEqual(['pump-9', 'pump-10', 'fan']);
  });

  it('follows clicks on headings', () => {
    const byName = { column: null, isDescending: false };
    const largest = nextOrder(byName, 2);
    expect(largest).toEqual({ column: 2, isDescending: true });
    expect(nextOrder(largest, 2)).toEqual({ column: 2, isDescending: false });
    expect(nextOrder(largest, null)).toEqual(byName);
  });
});

describe('differences', () => {
  const [count, , , median] = columns;

  it('are first minus second, as a part of the second', () => {
    expect(difference(15, 10)).toEqual([15, 10, 5, 0.5]);
    expect(difference(-15, -10)).toEqual([-15, -10, -5, -0.5]);
    expect(difference(1, 0)).toEqual([1, 0, 1, null]);
    expect(difference(1, null)).toEqual([1, null, null, null]);
    expect(difference(1.7e308, -1.7e308)).toEqual([1.7e308, -1.7e308, null, null]);
  });

  it('are never NaN or infinite', () => {
    const value = fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }));
    fc.assert(
      fc.property(value, value, (first, second) => {
        for (const value of difference(first, second))
          expect(value === null || Number.isFinite(value)).toBe(true);
      }),
    );
  });

  it('contain the devices of both windows', () => {
    if (!median || !count) throw new Error('The columns are missing');
    const [first, second] = [analysis({ a: 4, b: 2 }), analysis({ a: 1, c: 3 })];
    const rows = differenceRows(first, second, 'x', median);
    expect(rows).toEqual([
      { deviceId: 'a', values: [4, 1, 3, 3] },
      { deviceId: 'b', values: [2, null, null, null] },
      { deviceId: 'c', values: [null, 3, null, null] },
    ]);
    expect(differenceRows(first, null, 'x', count)[0]?.values).toEqual([3, 0, 3, null]);
    expect(totalDifference(first, second, 'x', median).values).toEqual([100, 100, 0, 0]);
  });
});
