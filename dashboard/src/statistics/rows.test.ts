import fc from 'fast-check';
import { expect, it } from 'vitest';

import type { Analysis, Statistics } from '../api/client';
import { orderRows, summaryRows } from './rows';

const PERCENTILES = [0, 5, 50, 99.9];

/** Statistics of the values 0 to 100, moved by `offset`: the value of a percentile is the percentile. */
function statistics(offset: number, percentiles: readonly number[]): Statistics {
  return {
    min_value: offset,
    max_value: offset + 100,
    median: offset + 50,
    count: 101,
    sum: 5_050 + 101 * offset,
    mean: offset + 50,
    stddev: null,
    percentiles: percentiles.map((percentile) => ({ percentile, value: offset + percentile })),
  };
}

const analysis: Analysis = {
  x: statistics(0, PERCENTILES),
  y: statistics(1, PERCENTILES),
  z: statistics(2, []),
};

it('lists the order statistics in ascending order, with the values of the right axis', () => {
  fc.assert(
    fc.property(fc.subarray(PERCENTILES), (chosen) => {
      const rows = orderRows(analysis, ['y', 'x'], chosen);
      expect(rows).toHaveLength(chosen.length + 3);
      for (const [i, row] of rows.entries()) {
        const [y, x] = row.values;
        expect(y! - x!).toBe(1);
        if (i > 0) expect(y).toBeGreaterThanOrEqual(rows[i - 1]!.values[0]!);
      }
      expect(rows.flatMap(({ percentile }) => (percentile === null ? [] : [percentile]))).toEqual(chosen);
    }),
  );
});

it('tells missing values from values that are not loaded', () => {
  const rows = [...summaryRows(analysis, ['x', 'magnitude']), ...orderRows(analysis, ['z'], [5])];
  expect(rows.find(({ name }) => name === 'Stddev')?.values).toEqual([null, undefined]);
  expect(rows.find(({ name }) => name === 'Count')?.values).toEqual([101, undefined]);
  expect(rows.find(({ name }) => name === 'p5')?.values).toEqual([undefined]);
});
