import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { moved, windowBetween, WINDOW_MIN_US, zoomed } from './window';

const time = fc.integer({ min: -60e15, max: 250e15 }).map((time) => Math.round(time / 64) * 64);
const recent = fc.integer({ min: 0, max: 4e15 });

describe('windows', () => {
  it('between two times contain both', () => {
    fc.assert(
      fc.property(time, time, (a, b) => {
        const { fromUs, untilUs } = windowBetween(a, b);
        expect(fromUs).toBeLessThanOrEqual(Math.min(a, b));
        expect(untilUs).toBeGreaterThanOrEqual(Math.max(a, b));
        expect(untilUs - fromUs).toBeGreaterThanOrEqual(WINDOW_MIN_US);
        // The year 9999 is at the end of the times.
        if (Math.abs(a - b) >= WINDOW_MIN_US) {
          expect(untilUs - fromUs).toBeLessThanOrEqual(Math.abs(a - b) * 1.002 + 2);
        }
      }),
    );
  });

  it('begin and end at round times', () => {
    const at = Date.UTC(2026, 10, 23, 10) * 1000;
    expect(windowBetween(at + 123_456, at + 7_200e6 + 654_321)).toEqual({
      fromUs: at,
      untilUs: at + 7_201e6,
    });
    expect(windowBetween(at + 123_456, at + 456_789)).toEqual({
      fromUs: at + 123_400,
      untilUs: at + 456_800,
    });
  });

  it('zoom around a place that stays', () => {
    fc.assert(
      fc.property(
        recent,
        fc.integer({ min: 1000, max: 1e14 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (fromUs, length, part) => {
          const window = { fromUs, untilUs: fromUs + length };
          const atUs = fromUs + length * part;
          const near = zoomed(window, 0.5, atUs);
          const far = zoomed(window, 2, atUs);
          expect((atUs - near.fromUs) / (near.untilUs - near.fromUs)).toBeCloseTo(part, 1);
          expect((atUs - far.fromUs) / (far.untilUs - far.fromUs)).toBeCloseTo(part, 1);
          expect(near.fromUs).toBeGreaterThanOrEqual(fromUs - 1 - length / 1000);
          expect(near.untilUs).toBeLessThanOrEqual(window.untilUs + 1 + length / 1000);
          expect(Math.abs(far.untilUs - far.fromUs - 2 * length)).toBeLessThanOrEqual(2 + length / 250);
        },
      ),
    );
  });

  it('do not become empty or endless, however often they are zoomed', () => {
    let [near, far] = [windowBetween(1e15, 2e15), windowBetween(1e15, 2e15)];
    for (let i = 0; i < 100; i += 1) [near, far] = [zoomed(near, 0.25), zoomed(far, 4)];
    expect(near.untilUs - near.fromUs).toBe(WINDOW_MIN_US);
    expect(new Date(far.fromUs / 1000).getUTCFullYear()).toBe(1);
    expect(new Date(far.untilUs / 1000).getUTCFullYear()).toBe(9999);
  });

  it('move there and back', () => {
    fc.assert(
      fc.property(recent, fc.integer({ min: 1000, max: 1e14 }), (fromUs, length) => {
        const window = { fromUs, untilUs: fromUs + length };
        expect(moved(moved(window, 0.25), -0.25)).toEqual(window);
      }),
    );
  });
});
