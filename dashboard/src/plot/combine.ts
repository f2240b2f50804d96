/** Fetched samples together with the readings that have arrived live since. */
import { AXES, type Axis } from '../view/view';
import { magnitude } from './magnitude';
import { firstAfter, type Column, type Samples, type TimedReading } from './samples';

/** Returns the value of an axis of a reading. */
export function valueOf(reading: Pick<TimedReading, 'x' | 'y' | 'z'>, axis: Axis): number {
  return axis === 'magnitude' ? magnitude(reading.x, reading.y, reading.z) : reading[axis];
}

/**
 * Returns the samples with the live readings added. Among readings, they are inserted in order of time, each once.
 * Buckets that were fetched are widened to contain them; after the last one, they form buckets of `bucketUs`. Medians of
 * fetched buckets are those of the request until the next one.
 */
export function withLive(samples: Samples, live: readonly TimedReading[], bucketUs: number): Samples {
  if (live.length === 0) return samples;
  return samples.kind === 'readings' ? mergeReadings(samples, live) : widenBuckets(samples, live, bucketUs);
}

function axesOf(samples: Samples): Axis[] {
  return AXES.filter((axis) => samples.axes[axis]);
}

function mergeReadings(samples: Samples, live: readonly TimedReading[]): Samples {
  const timesUs: number[] = [];
  /** For each time, the position of the fetched reading, or of the live one as a negative number minus 1. */
  const origins: number[] = [];
  let nextLive = 0;
  const takeLive = (untilUs: number) => {
    for (; nextLive < live.length && live[nextLive]!.timeUs <= untilUs; nextLive += 1) {
      if (live[nextLive]!.timeUs === timesUs.at(-1)) continue;
      timesUs.push(live[nextLive]!.timeUs);
      origins.push(-nextLive - 1);
    }
  };
  samples.startsUs.forEach((timeUs, i) => {
    takeLive(timeUs - 1);
    timesUs.push(timeUs);
    origins.push(i);
    takeLive(timeUs);
  });
  takeLive(Infinity);
  const axes: Partial<Record<Axis, Column>> = {};
  for (const axis of axesOf(samples)) {
    const fetched = samples.axes[axis]!.mid;
    const values = origins.map((origin) =>
      origin < 0 ? valueOf(live[-origin - 1]!, axis) : fetched[origin]!,
    );
    axes[axis] = { low: values, mid: values, high: values };
  }
  return { kind: 'readings', startsUs: timesUs, endsUs: timesUs, counts: timesUs.map(() => 1), axes };
}

function widenBuckets(samples: Samples, live: readonly TimedReading[], bucketUs: number): Samples {
  const startsUs = [...samples.startsUs];
  const endsUs = [...samples.endsUs];
  const counts = [...samples.counts];
  const added = new Map<number, TimedReading[]>();
  for (const reading of live) {
    const bucket = bucketOf(reading.timeUs, startsUs, endsUs, bucketUs);
    if (bucket === null) continue;
    const readings = added.get(bucket);
    if (readings) readings.push(reading);
    else added.set(bucket, [reading]);
  }
  // A fetched bucket may contain these readings already, because they were committed before the request.
  for (const [bucket, readings] of added) counts[bucket] = Math.max(counts[bucket] ?? 0, readings.length);
  const axes: Partial<Record<Axis, Column>> = {};
  for (const axis of axesOf(samples)) axes[axis] = widenColumn(samples.axes[axis]!, added, axis);
  return { kind: 'buckets', startsUs, endsUs, counts, axes };
}

/** Returns the bucket of a time, and appends it if it is after the last one; `null` before the first bucket. */
function bucketOf(timeUs: number, startsUs: number[], endsUs: number[], bucketUs: number): number | null {
  const lastEndUs = endsUs.at(-1);
  if (lastEndUs === undefined || timeUs >= lastEndUs) {
    const originUs = lastEndUs ?? Math.floor(timeUs / bucketUs) * bucketUs;
    const startUs = originUs + Math.floor((timeUs - originUs) / bucketUs) * bucketUs;
    startsUs.push(startUs);
    return endsUs.push(startUs + bucketUs) - 1;
  }
  const bucket = firstAfter(endsUs, timeUs);
  return timeUs >= startsUs[bucket]! ? bucket : null;
}

function widenColumn(
  column: Column,
  added: ReadonlyMap<number, readonly TimedReading[]>,
  axis: Axis,
): Column {
  const [low, mid, high] = [[...column.low], [...column.mid], [...column.high]];
  for (const [bucket, readings] of added) {
    const values = readings.map((reading) => valueOf(reading, axis)).sort((a, b) => a - b);
    const [least, greatest] = [values[0]!, values.at(-1)!];
    low[bucket] = Math.min(low[bucket] ?? least, least);
    high[bucket] = Math.max(high[bucket] ?? greatest, greatest);
    mid[bucket] ??= medianOfSorted(values);
  }
  return { low, mid, high };
}

/** Returns the median of ascending values, as the service computes it. */
function medianOfSorted(values: readonly number[]): number {
  const [a, b] = [values[(values.length - 1) >> 1]!, values[values.length >> 1]!];
  const sum = a + b;
  // Halves avoid an overflow; otherwise the sum is exact more often.
  return Number.isFinite(sum) ? sum / 2 : a / 2 + b / 2;
}
