import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { gapsBefore, gapsBeforeBuckets } from './gaps';

const start = fc.integer({ min: 0, max: 2e15 });
const distance = fc.integer({ min: 1, max: 1e10 });

/** Times whose distances differ by less than the factor of two. */
const steady = fc
  .tuple(
    start,
    distance,
    fc.array(fc.double({ min: 1, max: 1.9, noNaN: true }), { minLength: 1, maxLength: 200 }),
  )
  .map(([startUs, distanceUs, jitter]) =>
    timesOf(
      startUs,
      jitter.map((factor) => Math.ceil(factor * distanceUs)),
    ),
  );

function timesOf(startUs: number, distances: number[]): number[] {
  const times = [startUs];
  for (const distance of distances) times.push(times.at(-1)! + distance);
  return times;
}

function places(gaps: boolean[]): number[] {
  return gaps.flatMap((isGap, i) => (isGap ? [i] : []));
}

describe('gaps between readings', () => {
  it('are absent from a steady signal', () => {
    fc.assert(
      fc.property(steady, (times) => {
        expect(places(gapsBefore(times))).toEqual([]);
      }),
    );
  });

  it('are found wherever readings are missing', () => {
    fc.assert(
      fc.property(steady, fc.nat(), fc.integer({ min: 9, max: 1000 }), (times, where, missing) => {
        fc.pre(times.length >= 4);
        const distances = times.slice(1).map((time, i) => time - times[i]!);
        const place = where % distances.length;
        distances[place] = Math.max(...distances) * missing;
        expect(places(gapsBefore(timesOf(times[0]!, distances)))).toEqual([place + 1]);
      }),
    );
  });

  it('do not hide each other', () => {
    const distances = [1, 1, 1, 1, 60, 1, 60, 1, 1, 1, 1, 1].map((seconds) => seconds * 1e6);
    expect(places(gapsBefore(timesOf(0, distances)))).toEqual([5, 7]);
  });

  it('separate bursts', () => {
    const burst = [1, 1, 1, 1, 1, 600];
    expect(places(gapsBefore(timesOf(0, [...burst, ...burst, ...burst])))).toEqual([6, 12, 18]);
  });

  it('do not appear where the rate of a device changes', () => {
    const distances = [...Array<number>(20).fill(60e6), ...Array<number>(20).fill(1e4)];
    expect(places(gapsBefore(timesOf(0, distances)))).toEqual([]);
    expect(places(gapsBefore(timesOf(0, distances.reverse())))).toEqual([]);
  });

  it('are the same in another unit of time and backwards', () => {
    const times = fc
      .uniqueArray(fc.integer({ min: 0, max: 1e6 }), { maxLength: 60 })
      .map((list) => list.sort((a, b) => a - b));
    fc.assert(
      fc.property(times, fc.integer({ min: 1, max: 1e6 }), start, (times, unit, startUs) => {
        const gaps = places(gapsBefore(times));
        expect(places(gapsBefore(times.map((time) => startUs + unit * time)))).toEqual(gaps);
        const backwards = times.map((time) => 1e6 - time).reverse();
        expect(
          places(gapsBefore(backwards))
            .map((place) => times.length - place)
            .reverse(),
        ).toEqual(gaps);
      }),
    );
  });

  it('need three readings', () => {
    expect(gapsBefore([])).toEqual([]);
    expect(gapsBefore([7])).toEqual([false]);
    expect(gapsBefore([7, 7e15])).toEqual([false, false]);
  });
});

describe('gaps between buckets', () => {
  /** Buckets of a second; some of the empty ones are missing. */
  function gapsOf(counts: number[], isMissing = (_: number) => false): number[] {
    const kept = counts.flatMap((count, i) => (count === 0 && isMissing(i) ? [] : [i]));
    const startsUs = kept.map((i) => i * 1e6);
    const endsUs = kept.map((i) => (i + 1) * 1e6);
    const gaps = gapsBeforeBuckets({ startsUs, endsUs, counts: kept.map((i) => counts[i]!) });
    return places(gaps).map((place) => kept[place]!);
  }

  it('are the empty buckets of a dense signal', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 2, max: 1e6 })), { maxLength: 200 }),
        (counts) => {
          const expected = counts.flatMap((count, i) =>
            count > 0 && counts[i - 1] === 0 && counts.slice(0, i).some((count) => count > 0) ? [i] : [],
          );
          expect(gapsOf(counts)).toEqual(expected);
          expect(gapsOf(counts, (i) => i % 3 > 0)).toEqual(expected);
        },
      ),
    );
  });

  it('are not the empty buckets between readings that are rarer than buckets', () => {
    const counts = Array.from({ length: 90 }, (_, i) => (i % 3 === 0 || i % 7 === 0 ? 1 : 0));
    expect(gapsOf(counts)).toEqual([]);
  });

  it('are long silences between such readings', () => {
    const counts = Array.from({ length: 90 }, (_, i) => (i % 3 === 0 && (i < 30 || i > 60) ? 1 : 0));
    expect(gapsOf(counts)).toEqual([63]);
  });
});
