import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { magnitude } from './magnitude';

/** Returns an integer with the value of `value` times 2^1200. */
function scaled(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, Math.abs(value));
  const bits = view.getBigUint64(0);
  const exponent = Number(bits >> 52n);
  const fraction = bits & ((1n << 52n) - 1n);
  const mantissa = exponent === 0 ? fraction : fraction | (1n << 52n);
  return mantissa << BigInt((exponent === 0 ? 1 : exponent) - 1075 + 1200);
}

/** Returns whether `root` is a double nearest to the root of the sum of the squares. */
function isNearest(root: number, values: number[]): boolean {
  const sum = values.reduce((sum, value) => sum + scaled(value) ** 2n, 0n);
  const at = scaled(root);
  const step = scaled(Math.max(root * 2 ** -52, Number.MIN_VALUE));
  // All midpoints between doubles are multiples of half a step; 4 times the square keeps them whole.
  return (2n * at - step) ** 2n <= 4n * sum && 4n * sum <= (2n * at + step) ** 2n;
}

const value = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }),
  fc.double({ noNaN: true, min: -1e300, max: 1e300 }),
  fc.integer({ min: -1000, max: 1000 }),
);

describe('the magnitude', () => {
  it('is exact for whole triples', () => {
    expect(magnitude(2, 3, 6)).toBe(7);
    expect(magnitude(0, 0, 0)).toBe(0);
    expect(magnitude(0, -9.81, 0)).toBe(9.81);
    expect(magnitude(3e-320, 4e-320, 0)).toBe(5e-320);
    expect(magnitude(3e307, 4e307, 0)).toBe(5e307);
    expect(magnitude(1.7e308, 1.7e308, 1.7e308)).toBe(Infinity);
  });

  it('is the double nearest to the true root', () => {
    fc.assert(
      fc.property(value, value, value, (x, y, z) => {
        const root = magnitude(x, y, z);
        fc.pre(Math.max(Math.abs(x), Math.abs(y), Math.abs(z)) > 1e-290);
        expect(isNearest(root, [x, y, z])).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('does not depend on the order and the signs', () => {
    fc.assert(
      fc.property(value, value, value, (x, y, z) => {
        expect(magnitude(-z, x, -y)).toBe(magnitude(x, y, z));
      }),
    );
  });
});
