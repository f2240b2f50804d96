import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { gapsOf } from './aligned';
import type { Samples } from './samples';
import { addBand, addLine, addOutliers, pointsOf, type Pen, type Scale } from './shapes';

/** Notes what is drawn. */
class Notes implements Pen {
  rects: { x: number; y: number; width: number; height: number }[] = [];
  /** Lines, each as its points. */
  lines: [number, number][][] = [];
  moveTo(x: number, y: number) {
    this.lines.push([[x, y]]);
  }
  lineTo(x: number, y: number) {
    this.lines.at(-1)!.push([x, y]);
  }
  rect(x: number, y: number, width: number, height: number) {
    this.rects.push({ x, y, width, height });
  }
}

const US_PER_PX = 7;
const scale: Scale = { x: (timeUs) => timeUs / US_PER_PX, y: (value) => 1000 - value, ratio: 2 };

function bucketsOf(values: ([number, number, number] | null)[], lengthUs = 10): Samples {
  const startsUs = values.map((_, i) => i * lengthUs);
  const column = (nth: number) => values.map((one) => one?.[nth] ?? null);
  const x = { low: column(0), mid: column(1), high: column(2) };
  const counts = values.map((one) => (one ? 100 : 0));
  return { kind: 'buckets', startsUs, endsUs: startsUs.map((us) => us + lengthUs), counts, axes: { x } };
}

function readingsOf(timesUs: number[]): Samples {
  const values = timesUs.map((_, i) => i % 7);
  return {
    kind: 'readings',
    startsUs: timesUs,
    endsUs: timesUs,
    counts: values.map(() => 1),
    axes: { x: { low: values, mid: values, high: values } },
  };
}

const value = fc.integer({ min: -1000, max: 1000 });
const triple = fc
  .array(value, { minLength: 3, maxLength: 3 })
  .map((list) => list.sort((a, b) => a - b) as [number, number, number]);
const triples = fc.array(fc.option(triple, { freq: 3 }), { maxLength: 80 });

describe('the band', () => {
  it('contains the minimum and the maximum of each bucket, and is at least a pixel wide and high', () => {
    fc.assert(
      fc.property(triples, fc.integer({ min: 1, max: 100 }), (values, lengthUs) => {
        const samples = bucketsOf(values, lengthUs);
        const notes = new Notes();
        addBand(notes, samples, samples.axes.x!, scale);
        const filled = values.flatMap((one, i) => (one ? [{ one, i }] : []));
        expect(notes.rects).toHaveLength(filled.length);
        notes.rects.forEach(({ x, y, width, height }, nth) => {
          const { one, i } = filled[nth]!;
          expect(y).toBeLessThanOrEqual(scale.y(one[2]));
          expect(y + height).toBeGreaterThanOrEqual(scale.y(one[0]));
          expect(height).toBeLessThanOrEqual(Math.max(one[2] - one[0], 2));
          expect(Math.min(width, height)).toBeGreaterThanOrEqual(2);
          expect(Math.abs(x - scale.x(i * lengthUs))).toBeLessThanOrEqual(0.5);
        });
      }),
    );
  });

  it('has no seams', () => {
    fc.assert(
      fc.property(
        fc.array(triple, { minLength: 2 }),
        fc.integer({ min: 1, max: 100 }),
        (values, lengthUs) => {
          const samples = bucketsOf(values, lengthUs);
          const notes = new Notes();
          addBand(notes, samples, samples.axes.x!, scale);
          notes.rects
            .slice(1)
            .forEach(({ x }, i) => expect(x).toBeLessThanOrEqual(notes.rects[i]!.x + notes.rects[i]!.width));
        },
      ),
    );
  });

  it('shows a spike of one reading stronger, and noise not', () => {
    const noise = Array.from({ length: 50 }, (_, i): [number, number, number] => [
      (i * 7) % 5,
      10,
      20 - ((i * 3) % 5),
    ]);
    const draw = (values: [number, number, number][]) => {
      const samples = bucketsOf(values);
      const notes = new Notes();
      addOutliers(notes, samples, samples.axes.x!, scale);
      return notes.rects;
    };
    expect(draw(noise)).toEqual([]);
    const spiked = noise.map((one, i): [number, number, number] =>
      i === 20 ? [one[0], one[1], 900] : i === 30 ? [-700, one[1], one[2]] : one,
    );
    const rects = draw(spiked);
    expect(rects.map(({ x }) => x)).toEqual([Math.round(200 / US_PER_PX), Math.round(300 / US_PER_PX)]);
    expect(rects[0]!.y).toBe(scale.y(900));
    expect(rects[1]!.y + rects[1]!.height).toBe(scale.y(-700));
  });
});

describe('the line', () => {
  it('passes each median once, from left to right, and never over an empty bucket of a dense signal', () => {
    fc.assert(
      fc.property(triples, (values) => {
        const samples = bucketsOf(values, 700);
        const notes = new Notes();
        addLine(notes, samples, samples.axes.x!, gapsOf(samples), scale);
        // The runs of buckets with readings are the lines.
        const runs: number[][] = [];
        values.forEach((one, i) => {
          if (one === null) return;
          if (i > 0 && values[i - 1]) runs.at(-1)!.push(i);
          else runs.push([i]);
        });
        const middle = (i: number): [number, number] => [scale.x(i * 700 + 350), scale.y(values[i]![1])];
        const expected = runs.map((run) => {
          if (run.length > 1) return run.map(middle);
          const [i] = run as [number];
          return [0, 1].map((side) => [scale.x((i + side) * 700), scale.y(values[i]![1])]);
        });
        expect(notes.lines).toEqual(expected);
      }),
    );
  });

  it('does not connect readings over a gap, and readings between gaps are points', () => {
    const timesUs = [0, 10, 20, 30, 40, 5_000, 9_000, 9_010, 9_020, 9_030];
    const samples = readingsOf(timesUs);
    const gaps = gapsOf(samples);
    const notes = new Notes();
    addLine(notes, samples, samples.axes.x!, gaps, scale);
    expect(notes.lines.map((line) => line.map(([x]) => Math.round(x * US_PER_PX)))).toEqual([
      [0, 10, 20, 30, 40],
      [9_000, 9_010, 9_020, 9_030],
    ]);
    expect(pointsOf(samples, gaps, [0, 10], 3)).toEqual([5]);
    expect(pointsOf(samples, gaps, [2, 10], 8)).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('shows every reading as a part of a line or as a point', () => {
    const times = fc
      .uniqueArray(fc.integer({ min: 0, max: 1e6 }), { maxLength: 60 })
      .map((list) => list.sort((a, b) => a - b));
    fc.assert(
      fc.property(times, fc.nat(80), (timesUs, countMax) => {
        const samples = readingsOf(timesUs);
        const gaps = gapsOf(samples);
        const notes = new Notes();
        addLine(notes, samples, samples.axes.x!, gaps, scale);
        const inLines = notes.lines.flatMap((line) => line.map(([x]) => Math.round(x * US_PER_PX)));
        const points = pointsOf(samples, gaps, [0, timesUs.length], countMax).map((i) => timesUs[i]!);
        expect([...new Set([...inLines, ...points])].sort((a, b) => a - b)).toEqual(timesUs);
        for (const line of notes.lines) expect(line.length).toBeGreaterThan(1);
      }),
    );
  });
});
