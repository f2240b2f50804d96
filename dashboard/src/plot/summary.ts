/** The plot in words: for screen readers, and the values under the cursor. */
import { countText } from '../shared/numbers';
import { exactText } from '../shared/value-text';
import { momentText, spanText, windowText } from '../time/text';
import type { Axis } from '../view/view';
import { visible } from './aligned';
import type { Samples } from './samples';
import type { Window } from './window';

export const AXIS_NAMES: Record<Axis, string> = { x: 'x', y: 'y', z: 'z', magnitude: 'Magnitude' };

export function readingsText(count: number): string {
  return count === 1 ? '1 reading' : `${countText(count)} readings`;
}

/** Returns the window, its number of readings, and the minimum and maximum of each axis. */
export function summaryText(samples: Samples, window: Window, axes: readonly Axis[], zone: string): string {
  const [first, end] = visible(samples, window);
  const count = samples.counts.slice(first, end).reduce((sum, count) => sum + count, 0);
  const shown = windowText(window.fromUs, window.untilUs, zone);
  if (count === 0) return `No readings, ${shown}.`;
  const ranges = axes.flatMap((axis) => {
    const column = samples.axes[axis];
    if (!column) return [];
    const [low, high] = extremes(column.low.slice(first, end), column.high.slice(first, end));
    return [`${AXIS_NAMES[axis]} from ${exactText(low)} to ${exactText(high)}`];
  });
  return `${readingsText(count)}, ${shown}. ${ranges.join('; ')}.`;
}

function extremes(lows: readonly (number | null)[], highs: readonly (number | null)[]): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of lows) if (value !== null && value < low) low = value;
  for (const value of highs) if (value !== null && value > high) high = value;
  return [low, high];
}

/** Returns the meaning of the picture: the length of a bucket, or that each reading is drawn. */
export function legendText({ kind, startsUs, endsUs }: Samples): string {
  if (startsUs.length === 0) return '';
  if (kind === 'readings') return 'Each point of the line is a reading';
  // Calendars and clock changes make some buckets longer or shorter.
  const lengthsUs = startsUs.map((startUs, i) => endsUs[i]! - startUs).sort((a, b) => a - b);
  return `Minimum, median and maximum of each ${spanText(lengthsUs[lengthsUs.length >> 1]!)}`;
}

/** Returns the time of a sample: a moment, or the span of a bucket. */
export function sampleTimeText({ startsUs, endsUs }: Samples, i: number, zone: string): string {
  const [startUs, endUs] = [startsUs[i]!, endsUs[i]!];
  return startUs === endUs ? momentText(startUs, zone) : windowText(startUs, endUs, zone);
}

/** Returns a sample with all digits of its values. */
export function sampleText(samples: Samples, i: number, axes: readonly Axis[], zone: string): string {
  const values = axes.flatMap((axis) => {
    const column = samples.axes[axis];
    const [low, mid, high] = [column?.low[i], column?.mid[i], column?.high[i]];
    if (low == null || mid == null || high == null) return [];
    const name = AXIS_NAMES[axis];
    if (low === high) return [`${name} ${exactText(mid)}`];
    return [`${name} minimum ${exactText(low)}, median ${exactText(mid)}, maximum ${exactText(high)}`];
  });
  const count = samples.kind === 'buckets' ? `${readingsText(samples.counts[i]!)}: ` : '';
  return `${sampleTimeText(samples, i, zone)}: ${count}${values.join('; ')}`;
}
