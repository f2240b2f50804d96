/** The bins of a histogram: their number, their edges and their bars. */
import type { Schema } from '../api/client';

export type Histogram = Schema['Histogram'];

/** Number of bins of a request. It can be halved five times. */
export const BINS = 160;
const BINS_MIN = 10;

/** Returns a histogram whose bins suit the number of readings: few readings in many bins show only their gaps. */
export function mergedBins(histogram: Histogram): Histogram {
  const total = histogram.counts.reduce((sum, count) => sum + count, 0);
  const wanted = Math.max(BINS_MIN, 3 * Math.cbrt(total));
  let { counts, edges } = histogram;
  while (counts.length % 2 === 0 && counts.length / 2 >= wanted) {
    counts = counts.flatMap((count, i, all) => (i % 2 === 0 ? [count + all[i + 1]!] : []));
    edges = edges.filter((_, i) => i % 2 === 0);
  }
  return { ...histogram, counts, edges };
}

/** Returns the number of readings in a histogram, with those outside of its edges. */
export function readingsOf({ counts, below, above }: Histogram): number {
  return counts.reduce((sum, count) => sum + count, 0) + below + above;
}

/** Returns the position in `edges` of the edge that is nearest to a value. */
export function nearestEdge(edges: readonly number[], value: number): number {
  let nearest = 0;
  for (const [i, edge] of edges.entries()) {
    if (Math.abs(edge - value) < Math.abs(edges[nearest]! - value)) nearest = i;
  }
  return nearest;
}

/** Returns the position of a value along the edges: 0 at the first edge, 1 at the last. */
export function positionOf(edges: readonly number[], value: number): number {
  const [low, high] = [edges[0] ?? 0, edges.at(-1) ?? 1];
  // Halves, because the distance of two doubles can be larger than any double.
  return (value / 2 - low / 2) / (high / 2 - low / 2);
}

/** Returns the value at a position from 0 to 1. */
export function valueAt(edges: readonly number[], position: number): number {
  const [low, high] = [edges[0] ?? 0, edges.at(-1) ?? 1];
  return Math.min(Math.max(low * (1 - position) + high * position, low), high);
}

/**
 * Returns the bars as the data of an SVG path. A bin with readings is at least `least` high, so that one reading among
 * millions is visible.
 */
export function barsPath(counts: readonly number[], width: number, height: number, least: number): string {
  const most = Math.max(1, ...counts);
  const bin = width / Math.max(1, counts.length);
  // Wide bars are separated by a pixel.
  const gap = bin > 5 ? 1 : 0;
  return counts
    .map((count, i) => {
      if (count === 0) return '';
      const bar = rounded(Math.max(least, (count / most) * height));
      return `M${rounded(i * bin)} ${height}v${-bar}h${rounded(bin - gap)}v${bar}z`;
    })
    .join('');
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
