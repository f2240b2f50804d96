import fc from 'fast-check';
import { expect, it } from 'vitest';

import { valueTicks } from './value-ticks';

const value = fc.double({ noNaN: true, noDefaultInfinity: true });

it('returns few ascending values inside any range', () => {
  fc.assert(
    fc.property(value, value, fc.integer({ min: 1, max: 20 }), (a, b, most) => {
      const [low, high] = [Math.min(a, b), Math.max(a, b)];
      const ticks = valueTicks(low, high, most);
      expect(ticks.length).toBeLessThanOrEqual(most + 1);
      // A round value can differ from an end by the error of one multiplication.
      const error = Math.max(Math.abs(low), Math.abs(high)) * 1e-12;
      for (const [i, tick] of ticks.entries()) {
        expect(tick).toBeGreaterThanOrEqual(low - error);
        expect(tick).toBeLessThanOrEqual(high + error);
        if (i > 0) expect(tick).toBeGreaterThan(ticks[i - 1]!);
      }
    }),
  );
});

it('finds values in ordinary ranges', () => {
  const ordinary = fc.tuple(
    fc.integer({ min: -1e6, max: 1e6 }),
    fc.integer({ min: 1, max: 1e6 }),
    fc.integer({ min: -8, max: 8 }),
  );
  fc.assert(
    fc.property(ordinary, ([from, length, power]) => {
      expect(valueTicks(from * 10 ** power, (from + length) * 10 ** power, 5).length).toBeGreaterThanOrEqual(
        2,
      );
    }),
  );
});

it('returns round values', () => {
  expect(valueTicks(0.05, 0.52, 5)).toEqual([0.1, 0.2, 0.3, 0.4, 0.5]);
  expect(valueTicks(-3, 12, 4)).toEqual([0, 5, 10]);
  expect(valueTicks(1, 1, 4)).toEqual([]);
});
