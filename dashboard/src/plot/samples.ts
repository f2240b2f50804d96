/** The samples of a plot: buckets or readings, in columns, sorted by time. */
import type { Axis } from '../view/view';

/** The values of one axis, one for each sample; `null` for a bucket without readings. */
export interface Column {
  low: (number | null)[];
  /** The median of a bucket, or the value of a reading. */
  mid: (number | null)[];
  high: (number | null)[];
}

/** Samples in ascending order of time. All columns have the same length. */
export interface Samples {
  /** Buckets have a minimum, a median and a maximum. A reading has one value, which is all three. */
  kind: 'buckets' | 'readings';
  startsUs: number[];
  /** Ends of the buckets, exclusive; for readings the same as `startsUs`. */
  endsUs: number[];
  /** Numbers of readings; 0 for an empty bucket. */
  counts: number[];
  axes: Partial<Record<Axis, Column>>;
}

/** A reading, as it arrives live. */
export interface TimedReading {
  timeUs: number;
  /** Name of the device; readings of different devices may have the same time. */
  deviceId: string;
  x: number;
  y: number;
  z: number;
}

export const NO_SAMPLES: Samples = { kind: 'readings', startsUs: [], endsUs: [], counts: [], axes: {} };

/** Returns the number of readings in the samples. */
export function readingsOf(samples: Samples): number {
  return samples.counts.reduce((sum, count) => sum + count, 0);
}

/** Returns the middle of each sample: the place of its median, and of the cursor on it. */
export function middlesUs({ startsUs, endsUs }: Samples): number[] {
  return startsUs.map((startUs, i) => startUs + Math.floor((endsUs[i]! - startUs) / 2));
}

/** Returns the position of the first sample that ends after a time; the number of samples if there is none. */
export function firstAfter(timesUs: readonly number[], timeUs: number): number {
  let [low, high] = [0, timesUs.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (timesUs[middle]! > timeUs) high = middle;
    else low = middle + 1;
  }
  return low;
}
