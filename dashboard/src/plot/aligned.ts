/** The arrays of one plot, aligned as uPlot needs them: one sorted time array, and as many values in each series. */
import type { Axis } from '../view/view';
import { gapsBefore, gapsBeforeBuckets } from './gaps';
import { middlesUs, type Samples } from './samples';
import { positionIn, rangeOf, type ValueRange } from './value_range';
import type { Window } from './window';

/** Positions of the series in the arrays of a plot, in the order in which they are drawn. */
export const TIMES = 0;
export const LOW = 1;
export const HIGH = 2;
export const MID = 3;

/** The arrays of a plot: times, minima, maxima, and medians or readings. */
export type AlignedData = [number[], (number | null)[], (number | null)[], (number | null)[]];

/** Returns the position of a time in a window: 0 at its start, 1 at its end. */
export function timePosition({ fromUs, untilUs }: Window, timeUs: number): number {
  return (timeUs - fromUs) / (untilUs - fromUs);
}

/**
 * Returns the arrays of an axis. They contain positions in the window and in the range of values, from 0 to 1, not times
 * and values: uPlot finds no ticks for numbers with more than 17 digits, and differences of doubles can be infinite.
 */
export function alignedData(samples: Samples, axis: Axis, window: Window, range: ValueRange): AlignedData {
  const column = samples.axes[axis];
  const times = middlesUs(samples).map((timeUs) => timePosition(window, timeUs));
  const positions = (values: readonly (number | null)[] | undefined) =>
    times.map((_, i) => (values?.[i] == null ? null : positionIn(range, values[i])));
  return [times, positions(column?.low), positions(column?.high), positions(column?.mid)];
}

/** Returns, for each sample, whether the line is interrupted before it. */
export function gapsOf(samples: Samples): boolean[] {
  return samples.kind === 'readings' ? gapsBefore(samples.startsUs) : gapsBeforeBuckets(samples);
}

/** Returns the positions of the samples that overlap a window: the first one, and the one after the last. */
export function visible({ startsUs, endsUs }: Samples, { fromUs, untilUs }: Window): [number, number] {
  let [first, end] = [0, startsUs.length];
  while (first < end && Math.max(endsUs[first]!, startsUs[first]! + 1) <= fromUs) first += 1;
  while (end > first && startsUs[end - 1]! >= untilUs) end -= 1;
  return [first, end];
}

/** Returns the range of the values of an axis in a window, which always contains every minimum and maximum. */
export function visibleRange(samples: Samples, axis: Axis, window: Window): ValueRange {
  const column = samples.axes[axis];
  const [first, end] = visible(samples, window);
  return rangeOf([...(column?.low.slice(first, end) ?? []), ...(column?.high.slice(first, end) ?? [])]);
}
