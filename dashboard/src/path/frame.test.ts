import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { boundsOf, frameOf, suitsEqualScales } from './frame';

const BOX = { left: 40, top: 10, width: 600, height: 400 };
const value = fc.double({ noNaN: true, noDefaultInfinity: true });
const values = fc.array(value, { minLength: 1, maxLength: 20 });

describe('the frame', () => {
  it('shows all values of any size inside the box', () => {
    fc.assert(
      fc.property(values, values, fc.boolean(), (across, up, isEqual) => {
        const frame = frameOf(boundsOf(across), boundsOf(up), BOX, isEqual);
        for (const value of across) {
          expect(frame.left(value)).toBeGreaterThanOrEqual(BOX.left - 1e-6);
          expect(frame.left(value)).toBeLessThanOrEqual(BOX.left + BOX.width + 1e-6);
        }
        for (const value of up) {
          expect(frame.top(value)).toBeGreaterThanOrEqual(BOX.top - 1e-6);
          expect(frame.top(value)).toBeLessThanOrEqual(BOX.top + BOX.height + 1e-6);
        }
      }),
    );
  });

  it('places larger values further to the right and further up', () => {
    fc.assert(
      fc.property(value, value, (a, b) => {
        const bounds = boundsOf([a, b]);
        const frame = frameOf(bounds, bounds, BOX, false);
        expect(frame.left(bounds.high)).toBeGreaterThanOrEqual(frame.left(bounds.low));
        expect(frame.top(bounds.high)).toBeLessThanOrEqual(frame.top(bounds.low));
        // Values are apart if doubles can tell them apart clearly. The smallest doubles have few digits.
        const isClear =
          bounds.high - bounds.low > Math.max(1e-9 * Math.max(Math.abs(a), Math.abs(b)), 1e-300);
        if (isClear) expect(frame.left(bounds.high) - frame.left(bounds.low)).toBeGreaterThan(BOX.width / 2);
      }),
    );
  });

  it('has equal scales if wanted', () => {
    const size = fc.double({ min: -1e9, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(fc.array(size, { minLength: 2 }), fc.array(size, { minLength: 2 }), (across, up) => {
        const frame = frameOf(boundsOf(across), boundsOf(up), BOX, true);
        const pixels = { left: frame.left(1e6) - frame.left(0), top: frame.top(0) - frame.top(1e6) };
        expect(pixels.left / pixels.top).toBeCloseTo(1, 3);
      }),
    );
  });
});

it('suggests equal scales for comparable ranges', () => {
  expect(suitsEqualScales({ low: 52.1, high: 52.6 }, { low: 13, high: 13.8 })).toBe(true);
  expect(suitsEqualScales({ low: 0, high: 1 }, { low: 0, high: 1_000 })).toBe(false);
  expect(suitsEqualScales({ low: 1, high: 1 }, { low: 0, high: 1 })).toBe(false);
});
