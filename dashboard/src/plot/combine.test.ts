import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { valueOf, withLive } from './combine';
import type { Samples, TimedReading } from './samples';

const reading: fc.Arbitrary<TimedReading> = fc.record({
  timeUs: fc.integer({ min: 0, max: 300 }),
  deviceId: fc.constant('a'),
  x: fc.integer({ min: -9, max: 9 }),
  y: fc.integer({ min: -9, max: 9 }),
  z: fc.constant(0),
});
/** Readings of one device in order of time, each time once. */
const readings = fc
  .uniqueArray(reading, { selector: ({ timeUs }) => timeUs, maxLength: 60 })
  .map((list) => list.sort((a, b) => a.timeUs - b.timeUs));

const BUCKET_US = 10;

/** The model: readings as samples. */
function asReadings(list: TimedReading[]): Samples {
  const times = list.map(({ timeUs }) => timeUs);
  const column = (axis: 'x' | 'magnitude') => {
    const values = list.map((one) => valueOf(one, axis));
    return { low: values, mid: values, high: values };
  };
  const axes = { x: column('x'), magnitude: column('magnitude') };
  return { kind: 'readings', startsUs: times, endsUs: times, counts: times.map(() => 1), axes };
}

/** The model: buckets of `BUCKET_US` from 0 to `untilUs`, as the service computes them. */
function asBuckets(list: TimedReading[], untilUs: number): Samples {
  const startsUs = Array.from({ length: untilUs / BUCKET_US }, (_, i) => i * BUCKET_US);
  const inBucket = startsUs.map((start) =>
    list.filter(({ timeUs }) => timeUs >= start && timeUs < start + BUCKET_US),
  );
  const values = inBucket.map((readings) => readings.map(({ x }) => x).sort((a, b) => a - b));
  const x = {
    low: values.map((list) => list[0] ?? null),
    mid: values.map((list) =>
      list.length > 0 ? (list[(list.length - 1) >> 1]! + list[list.length >> 1]!) / 2 : null,
    ),
    high: values.map((list) => list.at(-1) ?? null),
  };
  const endsUs = startsUs.map((start) => start + BUCKET_US);
  return { kind: 'buckets', startsUs, endsUs, counts: values.map((list) => list.length), axes: { x } };
}

describe('live readings among readings', () => {
  it('are in order of time, each once', () => {
    fc.assert(
      fc.property(readings, fc.infiniteStream(fc.boolean()), (all, choice) => {
        // A reading may be fetched, live, or both.
        const marked = all.map((one) => ({
          one,
          isLive: choice.next().value,
          isFetched: choice.next().value,
        }));
        const fetched = marked.filter(({ isLive, isFetched }) => isFetched || !isLive).map(({ one }) => one);
        const live = marked.filter(({ isLive }) => isLive).map(({ one }) => one);
        expect(withLive(asReadings(fetched), live, BUCKET_US)).toEqual(asReadings(all));
      }),
    );
  });
});

describe('live readings among buckets', () => {
  it('after the last bucket form the buckets that the service would compute', () => {
    fc.assert(
      fc.property(readings, (all) => {
        const fetched = all.filter(({ timeUs }) => timeUs < 100);
        const live = all.filter(({ timeUs }) => timeUs >= 100);
        const { startsUs, counts, axes } = withLive(asBuckets(fetched, 100), live, BUCKET_US);
        const expected = asBuckets(all, 310);
        expected.startsUs.forEach((startUs, i) => {
          const at = startsUs.indexOf(startUs);
          if (at < 0) return expect(expected.counts[i]).toBe(0);
          expect(counts[at]).toBe(expected.counts[i]);
          for (const name of ['low', 'mid', 'high'] as const) {
            expect(axes.x?.[name][at]).toBe(expected.axes.x?.[name][i]);
          }
        });
        expect(startsUs).toEqual([...startsUs].sort((a, b) => a - b));
      }),
    );
  });

  it('inside fetched buckets widen them, however often they arrive', () => {
    fc.assert(
      fc.property(readings, readings, (fetched, late) => {
        const buckets = asBuckets(fetched, 310);
        const times = new Set(fetched.map(({ timeUs }) => timeUs));
        const all = [...fetched, ...late.filter(({ timeUs }) => !times.has(timeUs))];
        const expected = asBuckets(all, 310);
        const live = all.filter(({ timeUs }) => !times.has(timeUs) || timeUs % 2 === 0);
        const { axes } = withLive(
          buckets,
          live.sort((a, b) => a.timeUs - b.timeUs),
          BUCKET_US,
        );
        expect(axes.x?.low).toEqual(expected.axes.x?.low);
        expect(axes.x?.high).toEqual(expected.axes.x?.high);
        const medians = buckets.axes.x?.mid.map((fetched, i) => fetched ?? expected.axes.x?.mid[i]);
        expect(axes.x?.mid).toEqual(medians);
      }),
    );
  });

  it('do not change the fetched samples', () => {
    const buckets = asBuckets([{ timeUs: 5, deviceId: 'a', x: 1, y: 2, z: 3 }], 20);
    const copy = structuredClone(buckets);
    withLive(
      buckets,
      [
        { timeUs: 7, deviceId: 'a', x: 9, y: 2, z: 3 },
        { timeUs: 27, deviceId: 'a', x: 9, y: 2, z: 3 },
      ],
      BUCKET_US,
    );
    expect(buckets).toEqual(copy);
  });
});
