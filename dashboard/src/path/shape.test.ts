import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { arrowsOf, isLine, nearestPoint, type Place } from './shape';

const place = fc.record({
  left: fc.double({ min: 0, max: 900, noNaN: true }),
  top: fc.double({ min: 0, max: 500, noNaN: true }),
});
const path = fc.array(fc.tuple(place, fc.boolean()), { maxLength: 40 }).map((points) => ({
  places: points.map(([place]) => place),
  gaps: points.map(([, gap], i) => i > 0 && gap),
}));

function distanceToStep(place: Place, from: Place, to: Place): number {
  const [across, down] = [to.left - from.left, to.top - from.top];
  const square = across ** 2 + down ** 2;
  const along =
    square === 0 ? 0 : ((place.left - from.left) * across + (place.top - from.top) * down) / square;
  const share = Math.min(Math.max(along, 0), 1);
  return Math.hypot(place.left - from.left - share * across, place.top - from.top - share * down);
}

describe('the arrows', () => {
  it('point in the direction of a straight path, wherever its points are', () => {
    const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 });
    fc.assert(
      fc.property(place, place, shares, (from, to, shares) => {
        const length = Math.hypot(to.left - from.left, to.top - from.top);
        fc.pre(length > 40);
        const places = [0, ...shares.sort((a, b) => a - b), 1].map((share) => ({
          left: from.left + (to.left - from.left) * share,
          top: from.top + (to.top - from.top) * share,
        }));
        const arrows = arrowsOf(
          places,
          places.map(() => false),
        );
        expect(arrows.length).toBeGreaterThan(0);
        const angle = Math.atan2(to.top - from.top, to.left - from.left);
        for (const arrow of arrows) expect(Math.abs(Math.sin((arrow.angle - angle) / 2))).toBeLessThan(1e-6);
      }),
    );
  });

  it('lie on the path, never in a gap', () => {
    fc.assert(
      fc.property(path, ({ places, gaps }) => {
        for (const { left, top, point } of arrowsOf(places, gaps)) {
          let end = point + 1;
          while (end < places.length && !gaps[end]) end += 1;
          const steps = places.slice(point + 1, end).map((to, i) => [places[point + i]!, to] as const);
          // Movements of up to 12 pixels are left out.
          const distances = steps.map(([from, to]) => distanceToStep({ left, top }, from, to));
          expect(Math.min(...distances)).toBeLessThanOrEqual(12);
        }
      }),
    );
  });

  it('show the direction of a noisy path', () => {
    const noisy = Array.from({ length: 3_000 }, (_, i) => ({
      left: 20 + i / 4,
      top: 100 + 3 * Math.sin(i * i),
    }));
    const arrows = arrowsOf(
      noisy,
      noisy.map(() => false),
    );
    expect(arrows.length).toBeGreaterThan(3);
    for (const { angle } of arrows) expect(Math.abs(angle)).toBeLessThan(0.6);
  });

  it('are few on a path of any length', () => {
    const long = Array.from({ length: 10_000 }, (_, i) => ({ left: (i % 2) * 900, top: i / 20 }));
    expect(
      arrowsOf(
        long,
        long.map(() => false),
      ).length,
    ).toBeLessThanOrEqual(30);
    expect(arrowsOf([], [])).toEqual([]);
    expect(arrowsOf([{ left: 1, top: 1 }], [false])).toEqual([]);
  });
});

describe('lines', () => {
  const noGaps = (places: readonly Place[]) => places.map(() => false);

  it('show a circle, and a few readings', () => {
    const circle = Array.from({ length: 500 }, (_, i) => ({
      left: 200 + 150 * Math.cos(i / 40),
      top: 200 + 150 * Math.sin(i / 40),
    }));
    expect(isLine(circle, noGaps(circle))).toBe(true);
    const few = [0, 500, 3, 490].map((left) => ({ left, top: left / 2 }));
    expect(isLine(few, noGaps(few))).toBe(true);
  });

  it('do not show noise', () => {
    const noise = Array.from({ length: 2_000 }, (_, i) => ({
      left: (i * 7_919) % 601,
      top: (i * 104_729) % 401,
    }));
    expect(isLine(noise, noGaps(noise))).toBe(false);
  });
});

it('finds the nearest point', () => {
  fc.assert(
    fc.property(path, place, fc.double({ min: 0, max: 300, noNaN: true }), ({ places }, at, reach) => {
      const distances = places.map(({ left, top }) => Math.hypot(left - at.left, top - at.top));
      const found = nearestPoint(places, at, reach);
      if (found === null) expect(Math.min(Infinity, ...distances)).toBeGreaterThan(reach * (1 - 1e-9));
      else expect(distances[found]).toBeLessThanOrEqual(Math.min(...distances) + 1e-9);
    }),
  );
});
