import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { Samples } from '../plot/samples';
import { rangeOf } from '../plot/value_range';
import { curveOf } from './curve';

const size = { width: 200, height: 60 };

function buckets(values: ([low: number, mid: number, high: number] | null)[], each = 100): Samples {
  return {
    kind: 'buckets',
    startsUs: values.map((_, index) => index * each),
    endsUs: values.map((_, index) => (index + 1) * each),
    counts: values.map((value) => (value ? 10 : 0)),
    axes: {
      x: {
        low: values.map((value) => value?.[0] ?? null),
        mid: values.map((value) => value?.[1] ?? null),
        high: values.map((value) => value?.[2] ?? null),
      },
    },
  };
}

function curve(samples: Samples): { band: string; line: string; ys: number[] } {
  const untilUs = Math.max(samples.endsUs.at(-1) ?? 0, 1);
  const { low = [], high = [] } = samples.axes.x ?? {};
  const found = curveOf(samples, 'x', { fromUs: 0, untilUs }, rangeOf([...low, ...high]), size);
  const ys = [...found.band.matchAll(/M[\d.-]+ ([\d.-]+)H[\d.-]+V([\d.-]+)/g)].flatMap(([, top, bottom]) => [
    Number(top),
    Number(bottom),
  ]);
  return { ...found, ys };
}

describe('a small curve', () => {
  it('stays inside its box and shows the smallest and the largest value', () => {
    const value = fc.double({ min: -1e9, max: 1e9, noNaN: true });
    const bucket = fc.tuple(value, value, value).map(([a, b, c]) => {
      const [low = 0, mid = 0, high = 0] = [a, b, c].sort((x, y) => x - y);
      return [low, mid, high] as [number, number, number];
    });
    fc.assert(
      fc.property(fc.array(fc.option(bucket), { minLength: 1, maxLength: 300 }), (values) => {
        const { ys, band } = curve(buckets(values));
        const filled = values.filter((value) => value !== null);
        expect((band.match(/Z/g) ?? []).length).toBe(filled.length);
        if (filled.length === 0) return;
        for (const y of ys) {
          expect(y).toBeGreaterThanOrEqual(-0.6);
          expect(y).toBeLessThanOrEqual(size.height + 0.6);
        }
        // Some of the height stays free, and the ends of the range are round.
        const span = Math.max(...filled.map(([, , high]) => high)) - Math.min(...filled.map(([low]) => low));
        if (span > 1e-6) expect(Math.max(...ys) - Math.min(...ys)).toBeGreaterThan(size.height * 0.7);
      }),
    );
  });

  it('is interrupted at gaps', () => {
    const flat: [number, number, number] = [1, 2, 3];
    const whole = curve(buckets([flat, flat, flat, flat]));
    expect(whole.line.match(/M/g)).toHaveLength(1);
    const gap = curve(buckets([flat, flat, flat, null, null, flat, flat, flat]));
    expect(gap.line.match(/M/g)).toHaveLength(2);
  });

  it('shows a spike in a single bucket', () => {
    const values = Array.from({ length: 200 }, (): [number, number, number] => [0, 0.5, 1]);
    values[77] = [0, 0.5, 1_000];
    const { ys } = curve(buckets(values));
    expect(Math.min(...ys)).toBeLessThan(size.height * 0.2);
  });

  it('is empty without readings, and a point for a single one', () => {
    expect(curveOf(buckets([]), 'x', { fromUs: 0, untilUs: 1 }, rangeOf([]), size)).toEqual({
      band: '',
      line: '',
    });
    expect(curveOf(buckets([null]), 'magnitude', { fromUs: 0, untilUs: 1 }, rangeOf([]), size).band).toBe('');
    const column = { low: [5], mid: [5], high: [5] };
    const reading: Samples = {
      kind: 'readings',
      startsUs: [50],
      endsUs: [50],
      counts: [1],
      axes: { x: column },
    };
    expect(curveOf(reading, 'x', { fromUs: 0, untilUs: 100 }, rangeOf([5]), size).band).not.toBe('');
  });
});
