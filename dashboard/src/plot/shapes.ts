/** The shapes of a signal, in pixels: the band from minimum to maximum, the line of medians or readings, and points. */
import type { Column, Samples } from './samples';

/** The parts of `Path2D` that draw a signal. */
export interface Pen {
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
  rect(x: number, y: number, width: number, height: number): void;
}

/** Places times and values on the canvas, in its pixels. */
export interface Scale {
  x: (timeUs: number) => number;
  y: (value: number) => number;
  /** Pixels of the canvas in a pixel of the page. */
  ratio: number;
}

/** A part of a bucket is an outlier if it leads this many times beyond the values around it. */
const OUTLIER_FACTOR = 3;

/** Returns the left and the right edge of a sample: at least a pixel apart, and without a seam to the next one. */
function edges({ startsUs, endsUs }: Samples, i: number, { x, ratio }: Scale): [number, number] {
  const left = Math.round(x(startsUs[i]!));
  return [left, Math.max(Math.round(x(endsUs[i]!)), left + ratio)];
}

function addRect(pen: Pen, [left, right]: [number, number], high: number, low: number, ratio: number): void {
  // A band of equal values is a line of one pixel around them.
  const missing = Math.max(0, ratio - (low - high));
  pen.rect(left, high - missing / 2, right - left, low - high + missing);
}

/** Adds the band from the minimum to the maximum of each bucket. */
export function addBand(pen: Pen, samples: Samples, { low, high }: Column, scale: Scale): void {
  if (samples.kind === 'readings') return;
  low.forEach((low, i) => {
    const top = high[i];
    if (low === null || top == null) return;
    addRect(pen, edges(samples, i, scale), scale.y(top), scale.y(low), scale.ratio);
  });
}

/**
 * Adds the parts of the band that lead far beyond the buckets around them, so that they can be drawn stronger: a spike of
 * one reading is one pixel wide.
 */
export function addOutliers(pen: Pen, samples: Samples, { low, mid, high }: Column, scale: Scale): void {
  if (samples.kind === 'readings') return;
  low.forEach((bottom, i) => {
    const top = high[i];
    if (bottom === null || top == null) return;
    const around = [i - 1, i + 1].filter((n) => low[n] != null && high[n] != null);
    if (around.length === 0) return;
    const ceiling = Math.max(mid[i] ?? bottom, ...around.map((n) => high[n]!));
    const floor = Math.min(mid[i] ?? top, ...around.map((n) => low[n]!));
    const usual = OUTLIER_FACTOR * Math.max(scale.y(floor) - scale.y(ceiling), scale.ratio);
    const sides = edges(samples, i, scale);
    if (scale.y(ceiling) - scale.y(top) > usual)
      addRect(pen, sides, scale.y(top), scale.y(ceiling), scale.ratio);
    if (scale.y(bottom) - scale.y(floor) > usual)
      addRect(pen, sides, scale.y(floor), scale.y(bottom), scale.ratio);
  });
}

/** Adds the line through the medians or readings, interrupted at gaps. A bucket between gaps is a short line. */
export function addLine(
  pen: Pen,
  samples: Samples,
  { mid }: Column,
  gaps: readonly boolean[],
  scale: Scale,
): void {
  const { startsUs, endsUs } = samples;
  const filled = mid.flatMap((value, i) => (value === null ? [] : [i]));
  filled.forEach((i, nth) => {
    const next = filled[nth + 1];
    const isFirst = nth === 0 || gaps[i]!;
    const isLast = next === undefined || gaps[next]!;
    const y = scale.y(mid[i]!);
    if (isFirst && isLast) {
      if (samples.kind === 'readings') return;
      const [left, right] = edges(samples, i, scale);
      pen.moveTo(left, y);
      pen.lineTo(right, y);
    } else {
      const x = scale.x(startsUs[i]! + (endsUs[i]! - startsUs[i]!) / 2);
      if (isFirst) pen.moveTo(x, y);
      else pen.lineTo(x, y);
    }
  });
}

/** Returns the readings that are drawn as points: all if there is space for them, otherwise those between gaps. */
export function pointsOf(
  samples: Samples,
  gaps: readonly boolean[],
  [first, end]: [number, number],
  countMax: number,
): number[] {
  if (samples.kind === 'buckets') return [];
  const last = gaps.length - 1;
  const isAlone = (i: number) => (i === 0 || gaps[i]!) && (i === last || gaps[i + 1]!);
  const areAll = end - first <= countMax;
  return Array.from({ length: end - first }, (_, nth) => first + nth).filter((i) => areAll || isAlone(i));
}
