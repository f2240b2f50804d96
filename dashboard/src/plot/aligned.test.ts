import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { alignedData, HIGH, LOW, MID, TIMES, visible, visibleRange } from './aligned';
import type { Samples } from './samples';
import { positionIn } from './value_range';

const value = fc.double({ noNaN: true, noDefaultInfinity: true });
const bucket = fc.record({
  length: fc.integer({ min: 1, max: 1e9 }),
  values: fc.option(
    fc.array(value, { minLength: 3, maxLength: 3 }).map((list) => list.sort((a, b) => a - b)),
  ),
});

const buckets: fc.Arbitrary<Samples> = fc
  .tuple(fc.integer({ min: 0, max: 1e15 }), fc.array(bucket))
  .map(([startUs, list]) => {
    const edges = list.reduce((edges, { length }) => [...edges, edges.at(-1)! + length], [startUs]);
    const column = (nth: number) => list.map(({ values }) => values?.[nth] ?? null);
    return {
      kind: 'buckets' as const,
      startsUs: edges.slice(0, -1),
      endsUs: edges.slice(1),
      counts: list.map(({ values }) => (values ? 5 : 0)),
      axes: { x: { low: column(0), mid: column(1), high: column(2) } },
    };
  });

describe('the arrays of a plot', () => {
  it('have the same length, ascending times, and a value exactly where there are readings', () => {
    fc.assert(
      fc.property(buckets, (samples) => {
        const window = { fromUs: 0, untilUs: 2e15 };
        const data = alignedData(samples, 'x', window, visibleRange(samples, 'x', window));
        for (const array of data) expect(array).toHaveLength(samples.startsUs.length);
        data[TIMES].forEach((time, i) => {
          expect(time * 2e15).toBeGreaterThanOrEqual(samples.startsUs[i]! - 1);
          expect(time * 2e15).toBeLessThan(samples.endsUs[i]! + 1);
          if (i > 0) expect(time).toBeGreaterThanOrEqual(data[TIMES][i - 1]!);
          const values = [LOW, MID, HIGH].map((series) => data[series]![i]);
          if (samples.counts[i] === 0) return expect(values).toEqual([null, null, null]);
          const [low, mid, high] = values as number[];
          expect(0 <= low! && low! <= mid! && mid! <= high! && high! <= 1).toBe(true);
        });
      }),
    );
  });

  it('are empty for an axis that was not requested', () => {
    const samples: Samples = { kind: 'buckets', startsUs: [0], endsUs: [9], counts: [1], axes: {} };
    expect(alignedData(samples, 'magnitude', { fromUs: 0, untilUs: 8 }, { low: 0, high: 1 })).toEqual([
      [0.5],
      [null],
      [null],
      [null],
    ]);
  });
});

describe('the visible samples', () => {
  it('are those that overlap the window', () => {
    fc.assert(
      fc.property(buckets, fc.nat(1e6), fc.nat(1e10), (samples, offset, length) => {
        const window = {
          fromUs: (samples.startsUs[0] ?? 0) + offset,
          untilUs: (samples.startsUs[0] ?? 0) + offset + length + 10,
        };
        const [first, end] = visible(samples, window);
        samples.startsUs.forEach((startUs, i) => {
          expect(i >= first && i < end).toBe(startUs < window.untilUs && samples.endsUs[i]! > window.fromUs);
        });
      }),
    );
  });

  it('decide the range, so that a spike is inside', () => {
    const values = [0, 0, 1e9, 0, -5];
    const startsUs = [0, 10, 20, 30, 40];
    const x = { low: values, mid: values.map(() => 0), high: values };
    const samples: Samples = {
      kind: 'buckets',
      startsUs,
      endsUs: startsUs.map((us) => us + 10),
      counts: [9, 9, 9, 9, 9],
      axes: { x },
    };
    expect(positionIn(visibleRange(samples, 'x', { fromUs: 0, untilUs: 40 }), 1e9)).toBeLessThan(1);
    expect(visibleRange(samples, 'x', { fromUs: 30, untilUs: 40 }).high).toBeLessThan(2);
    expect(visibleRange(samples, 'x', { fromUs: 0, untilUs: 40 }).low).toBeGreaterThan(-1e9);
  });
});
