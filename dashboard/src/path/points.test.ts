import fc from 'fast-check';
import { expect, it } from 'vitest';

import { extended, NO_POINTS, pointsOf, within, type Points } from './points';

const reading = fc.record({
  timeUs: fc.integer({ min: 0, max: 200 }),
  x: fc.nat(9),
  y: fc.nat(9),
  z: fc.nat(9),
});
const readings = fc.array(reading.map((reading) => ({ deviceId: 'pump', ...reading })));

function isConsistent({ timesUs, x, y, z }: Points): boolean {
  const isAscending = timesUs.every((timeUs, i) => i === 0 || timeUs > timesUs[i - 1]!);
  return isAscending && [x, y, z].every(({ length }) => length === timesUs.length);
}

it('grow by live readings in any order, and stay sorted without repeats', () => {
  fc.assert(
    fc.property(fc.array(readings), (batches) => {
      let points = NO_POINTS;
      for (const batch of batches) {
        const before = points;
        points = extended(points, batch);
        expect(isConsistent(points)).toBe(true);
        expect(points.timesUs.slice(0, before.timesUs.length)).toEqual(before.timesUs);
        const lastUs = before.timesUs.at(-1) ?? -1;
        const later = new Set(batch.flatMap(({ timeUs }) => (timeUs > lastUs ? [timeUs] : [])));
        expect(points.timesUs.length - before.timesUs.length).toBe(later.size);
        expect(extended(points, batch)).toBe(points);
      }
    }),
  );
});

it('are cut to a window', () => {
  fc.assert(
    fc.property(readings, fc.nat(200), fc.nat(200), (batch, a, b) => {
      const points = extended(NO_POINTS, batch);
      const window = { fromUs: Math.min(a, b), untilUs: Math.max(a, b) };
      const cut = within(points, window);
      expect(isConsistent(cut)).toBe(true);
      expect(cut.timesUs).toEqual(
        points.timesUs.filter((timeUs) => timeUs >= window.fromUs && timeUs < window.untilUs),
      );
      const first = points.timesUs.indexOf(cut.timesUs[0]!);
      if (cut.timesUs.length > 0) expect(cut.z).toEqual(points.z.slice(first, first + cut.z.length));
    }),
  );
});

it('come from a response', () => {
  const points = pointsOf({
    count: 1,
    period_start: null,
    period_end: null,
    thinned: false,
    timestamps: ['1970-01-01T00:00:01.000002Z'],
    x: [1],
    y: [2],
    z: [3],
  });
  expect(points).toEqual({ timesUs: [1_000_002], x: [1], y: [2], z: [3] });
});
