import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { Picture } from '../plot/requests';
import { commonLength, commonRange, labelPosition, sampleAt, stretched } from './overlay';

/** Buckets of 100 µs with the given medians, one below and above them; `null` is an empty bucket. */
function picture(fromUs: number, medians: (number | null)[]): Picture {
  const shifted = (by: number): (number | null)[] =>
    medians.map((value) => (value === null ? null : value + by));
  return {
    samples: {
      kind: 'buckets',
      startsUs: medians.map((_, index) => fromUs + index * 100),
      endsUs: medians.map((_, index) => fromUs + (index + 1) * 100),
      counts: medians.map((value) => (value === null ? 0 : 5)),
      axes: { x: { low: shifted(-1), mid: medians, high: shifted(1) } },
    },
    window: { fromUs, untilUs: fromUs + medians.length * 100 },
    bucketUs: 100,
  };
}

describe('two series', () => {
  it('share an axis as long as the longer window', () => {
    const [first, second] = [picture(1_000, [1, 2]), picture(50_000, [1, 2, 3])];
    expect(commonLength(first.window, second.window)).toBe(300);
    expect(stretched(first.window, 300)).toEqual({ fromUs: 1_000, untilUs: 1_300 });
    expect(commonLength(null, null)).toBe(1);
  });

  it('share a range that contains the values of both', () => {
    const values = fc.array(fc.option(fc.double({ min: -1e6, max: 1e6, noNaN: true })), { maxLength: 20 });
    fc.assert(
      fc.property(values, values, (first, second) => {
        const { low, high } = commonRange('x', picture(0, first), picture(900, second));
        for (const value of [...first, ...second]) {
          if (value === null) continue;
          expect(low).toBeLessThanOrEqual(value - 1);
          expect(high).toBeGreaterThanOrEqual(value + 1);
        }
      }),
    );
  });

  it('are not widened by a series without readings', () => {
    const { low } = commonRange('x', picture(0, [1_000, 1_001]), picture(0, [null]));
    expect(low).toBeGreaterThan(900);
  });

  it('are found at the same time after their starts', () => {
    const [first, second] = [picture(1_000, [1, null, 3]), picture(50_000, [4, 5])];
    expect(sampleAt(first, 'x', 0)).toEqual({ startUs: 1_000, endUs: 1_100, low: 0, mid: 1, high: 2 });
    expect(sampleAt(second, 'x', 199)?.mid).toBe(5);
    // An empty bucket, a time after the end, and an axis that is not there.
    expect(sampleAt(first, 'x', 150)).toBeNull();
    expect(sampleAt(second, 'x', 200)).toBeNull();
    expect(sampleAt(second, 'y', 0)).toBeNull();
    expect(sampleAt(null, 'x', 0)).toBeNull();
  });
});

describe('a label', () => {
  it('stays inside the picture', () => {
    expect(labelPosition(50, 40, 0, 100)).toBe(50);
    expect(labelPosition(0, 40, 0, 100)).toBe(20);
    expect(labelPosition(100, 40, -5, 100)).toBe(80);
  });
});
