/** Gaps of a signal: the places where a line would connect readings that do not follow each other. */

/** A distance is a gap if it is more than this many times as long as the distances around it. */
const GAP_FACTOR = 4;
/** Number of distances on each side that tell the usual distance. */
const NEIGHBOURS = 8;
/** Share of the distances that are usual. Up to two other gaps among the neighbours do not hide a gap. */
const USUAL_SHARE = 0.75;
/** From this number of readings per bucket, an empty bucket is a gap. Fewer may miss a bucket by chance. */
const DENSE_COUNT = 2;

/** Returns the upper quartile of distances; `null` without any. */
function usual(distances: readonly number[]): number | null {
  if (distances.length === 0) return null;
  const sorted = [...distances].sort((a, b) => a - b);
  return sorted[Math.ceil(USUAL_SHARE * sorted.length) - 1]!;
}

/**
 * Returns, for each time, whether a gap precedes it. The times are ascending. A distance is compared with the usual
 * distance before it and after it, and the longer one decides: a device that changes its rate has no gap there.
 */
export function gapsBefore(timesUs: readonly number[]): boolean[] {
  const distances = timesUs.slice(1).map((timeUs, i) => timeUs - timesUs[i]!);
  const gaps = distances.map((distance, i) => {
    const before = usual(distances.slice(Math.max(0, i - NEIGHBOURS), i));
    const after = usual(distances.slice(i + 1, i + 1 + NEIGHBOURS));
    if (before === null && after === null) return false;
    return distance > GAP_FACTOR * Math.max(before ?? 0, after ?? 0, 1);
  });
  return timesUs.length === 0 ? [] : [false, ...gaps];
}

/** Buckets in order of time; missing ones have no readings. */
interface Buckets {
  startsUs: readonly number[];
  endsUs: readonly number[];
  counts: readonly number[];
}

/**
 * Returns, for each bucket, whether a gap precedes it: whether a line from the last bucket with readings would lead over
 * missing readings. An empty bucket among buckets with several readings is a gap. If the buckets have about one reading
 * each, empty ones are normal, and the distances decide. The result is `false` for empty buckets.
 */
export function gapsBeforeBuckets({ startsUs, endsUs, counts }: Buckets): boolean[] {
  const filled = counts.flatMap((count, i) => (count > 0 ? [i] : []));
  const isFar = gapsBefore(filled.map((i) => startsUs[i]!));
  const gaps = counts.map(() => false);
  filled.forEach((bucket, nth) => {
    const before = filled[nth - 1];
    if (before === undefined || startsUs[bucket]! <= endsUs[before]!) return;
    const around = filled.slice(Math.max(0, nth - NEIGHBOURS), nth + NEIGHBOURS).map((i) => counts[i]!);
    const isDense = around.filter((count) => count >= DENSE_COUNT).length * 2 >= around.length;
    gaps[bucket] = isDense || isFar[nth]!;
  });
  return gaps;
}
