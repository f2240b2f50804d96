import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { positionIn, rangeOf, tickTexts, valueAt, valueTicks } from './value_range';

const value = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.double({ noNaN: true, min: -100, max: 100 }),
  fc.integer({ min: -5, max: 5 }),
);

describe('the range of values', () => {
  it('contains all values and is not empty', () => {
    fc.assert(
      fc.property(fc.array(fc.option(value)), (values) => {
        const range = rangeOf(values);
        expect(Number.isFinite(range.low) && Number.isFinite(range.high)).toBe(true);
        expect(range.low).toBeLessThan(range.high);
        for (const value of values) {
          if (value === null) continue;
          const position = positionIn(range, value);
          expect(position).toBeGreaterThanOrEqual(0);
          expect(position).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('keeps the order of values', () => {
    fc.assert(
      fc.property(value, value, value, (a, b, c) => {
        const range = rangeOf([a, b, c]);
        if (a <= b) expect(positionIn(range, a)).toBeLessThanOrEqual(positionIn(range, b));
      }),
    );
  });

  it('is inverted by the value at a position', () => {
    const range = rangeOf([-3, 17]);
    for (const position of [0, 0.25, 1])
      expect(positionIn(range, valueAt(range, position))).toBeCloseTo(position, 12);
  });
});

describe('the values on an axis', () => {
  it('are few, ascending and inside', () => {
    fc.assert(
      fc.property(value, value, fc.integer({ min: 1, max: 12 }), (a, b, countMax) => {
        const range = rangeOf([a, b]);
        const { values, step } = valueTicks(range, countMax);
        expect(values.length).toBeLessThanOrEqual(countMax + 1);
        values.forEach((value, i) => {
          expect(value).toBeGreaterThanOrEqual(range.low);
          expect(value).toBeLessThanOrEqual(range.high);
          if (i > 0) expect(value).toBeGreaterThan(values[i - 1]!);
        });
        expect(tickTexts(values, step)).toHaveLength(values.length);
      }),
      { numRuns: 1000 },
    );
  });

  it('are at least two in ordinary ranges', () => {
    const ordinary = fc.tuple(
      fc.integer({ min: -1e6, max: 1e6 }),
      fc.integer({ min: 1, max: 1e6 }),
      fc.integer({ min: -8, max: 8 }),
    );
    fc.assert(
      fc.property(ordinary, ([from, length, power]) => {
        const range = { low: from * 10 ** power, high: (from + length) * 10 ** power };
        expect(valueTicks(range, 5).values.length).toBeGreaterThanOrEqual(2);
      }),
    );
  });

  it('are none in a range without a length', () => {
    fc.assert(
      fc.property(value, (value) => {
        expect(valueTicks({ low: value, high: value }, 4).values).toEqual([]);
      }),
    );
  });

  it('are round', () => {
    expect(valueTicks({ low: 0.05, high: 0.52 }, 5).values).toEqual([0.1, 0.2, 0.3, 0.4, 0.5]);
    expect(valueTicks({ low: -3, high: 12 }, 4).values).toEqual([0, 5, 10]);
    expect(valueTicks({ low: -0.31, high: 0.42 }, 5).values).toEqual([-0.2, 0, 0.2, 0.4]);
    expect(valueTicks({ low: 9.7, high: 9.9 }, 4).values).toEqual([9.7, 9.75, 9.8, 9.85, 9.9]);
    expect(valueTicks({ low: 0, high: 1e300 }, 2).values).toEqual([0, 5e299, 1e300]);
  });

  it('have texts that tell them apart', () => {
    fc.assert(
      fc.property(
        fc.double({ noNaN: true, min: -1e9, max: 1e9 }),
        fc.double({ noNaN: true, min: 1e-3, max: 1e9 }),
        (low, span) => {
          const { values, step } = valueTicks({ low, high: low + span }, 6);
          const texts = tickTexts(values, step, 'en');
          expect(new Set(texts).size).toBe(values.length);
        },
      ),
    );
    expect(tickTexts([0, 0.05, 0.1], 0.05, 'en')).toEqual(['0.00', '0.05', '0.10']);
    expect(tickTexts([0, 2e6, 4e6], 2e6, 'en')).toEqual(['0', '2E6', '4E6']);
    expect(tickTexts([1000, 1500], 500, 'de')).toEqual(['1.000', '1.500']);
  });
});
