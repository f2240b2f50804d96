import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { barsPath, BINS, mergedBins, nearestEdge, positionOf, readingsOf, valueAt } from './bins';

const value = fc.double({ noNaN: true, noDefaultInfinity: true });
const range = fc
  .tuple(value, value)
  .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)
  .filter(([low, high]) => high / 2 - low / 2 > 0);
const counts = fc.array(fc.oneof(fc.constant(0), fc.nat(1e9)), { minLength: BINS, maxLength: BINS });

function equalEdges(low: number, high: number): number[] {
  return Array.from({ length: BINS + 1 }, (_, i) => valueAt([low, high], i / BINS));
}

describe('the bins', () => {
  it('are merged without losing readings or moving edges', () => {
    fc.assert(
      fc.property(counts, fc.nat(9), fc.nat(9), (counts, below, above) => {
        const whole = { counts, below, above, edges: equalEdges(0, 1) };
        const merged = mergedBins(whole);
        expect(readingsOf(merged)).toBe(readingsOf(whole));
        expect(merged.edges).toHaveLength(merged.counts.length + 1);
        for (const [i, count] of merged.counts.entries()) {
          const from = whole.edges.indexOf(merged.edges[i]!);
          const until = whole.edges.indexOf(merged.edges[i + 1]!);
          expect(until).toBeGreaterThan(from);
          expect(counts.slice(from, until).reduce((sum, count) => sum + count, 0)).toBe(count);
        }
      }),
    );
  });

  it('are few for few readings, and all for many', () => {
    const bins = (each: number) =>
      mergedBins({ counts: Array(BINS).fill(each), edges: equalEdges(0, 1), below: 0, above: 0 }).counts
        .length;
    expect([bins(0), bins(1), bins(10), bins(1e6)]).toEqual([10, 20, 40, 160]);
  });

  it('show each bin with readings, at most as high as the highest', () => {
    fc.assert(
      fc.property(counts, (counts) => {
        const path = barsPath(counts, 300, 100, 1.5);
        const heights = [...path.matchAll(/v-([\d.]+)h/g)].map(([, height]) => Number(height));
        expect(heights).toHaveLength(counts.filter((count) => count > 0).length);
        for (const height of heights) {
          expect(height).toBeGreaterThanOrEqual(1.5);
          expect(height).toBeLessThanOrEqual(100);
        }
      }),
    );
  });
});

describe('values and positions', () => {
  it('agree at the ends, in ranges of any size', () => {
    fc.assert(
      fc.property(range, fc.double({ min: 0, max: 1, noNaN: true }), ([low, high], position) => {
        const value = valueAt([low, high], position);
        expect(value).toBeGreaterThanOrEqual(low);
        expect(value).toBeLessThanOrEqual(high);
        expect([positionOf([low, high], low), positionOf([low, high], high)]).toEqual([0, 1]);
      }),
    );
  });

  it('snap to the nearest edge', () => {
    fc.assert(
      fc.property(fc.double({ min: -0.5, max: 1.5, noNaN: true }), (value) => {
        const edges = equalEdges(0, 1);
        const distance = Math.abs(edges[nearestEdge(edges, value)]! - value);
        for (const edge of edges) expect(distance).toBeLessThanOrEqual(Math.abs(edge - value));
      }),
    );
  });
});
