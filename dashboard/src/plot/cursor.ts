/** The sample under the cursor, and the samples beside it. */
import { firstAfter, type Samples } from './samples';

/**
 * Returns the sample at a time: the bucket that contains it, if it has readings; or the nearest reading that is at most
 * `reachUs` away. Returns `null` if there is none.
 */
export function sampleAt(samples: Samples, timeUs: number, reachUs: number): number | null {
  const { startsUs, endsUs, counts } = samples;
  if (samples.kind === 'buckets') {
    const bucket = firstAfter(endsUs, timeUs);
    return bucket < endsUs.length && startsUs[bucket]! <= timeUs && counts[bucket]! > 0 ? bucket : null;
  }
  const after = firstAfter(startsUs, timeUs);
  const near = [after - 1, after].filter((i) => i >= 0 && i < startsUs.length);
  const distance = (i: number) => Math.abs(startsUs[i]! - timeUs);
  const [first, second] = near;
  if (first === undefined) return null;
  const nearest = second !== undefined && distance(second) < distance(first) ? second : first;
  return distance(nearest) <= reachUs ? nearest : null;
}

/**
 * Returns the next sample with readings after (`step` 1) or before (`step` -1) a time, inside `[first, end)`. Without a
 * time it is the first or the last one. At the end it is the last sample that was found.
 */
export function nextSample(
  { startsUs, endsUs, counts }: Samples,
  timeUs: number | null,
  step: 1 | -1,
  [first, end]: readonly [number, number],
): number | null {
  const isBeyond = (i: number) =>
    timeUs === null ||
    (step === 1 ? startsUs[i]! > timeUs : Math.max(endsUs[i]!, startsUs[i]! + 1) <= timeUs);
  let last: number | null = null;
  for (let i = step === 1 ? first : end - 1; i >= first && i < end; i += step) {
    if (counts[i] === 0) continue;
    if (isBeyond(i)) return i;
    last = i;
  }
  return last;
}
