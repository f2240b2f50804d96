/** Two series over each other, aligned at the starts of their windows. */
import { visibleRange } from '../plot/aligned';
import type { Picture } from '../plot/requests';
import { firstAfter } from '../plot/samples';
import { rangeOf, type ValueRange } from '../plot/value_range';
import type { Window } from '../time/range';
import type { Axis } from '../view/view';

/** Returns the length of the longer of two windows: the length of the common time axis. */
export function commonLength(...windows: (Window | null)[]): number {
  return Math.max(1, ...windows.map((window) => (window ? window.untilUs - window.fromUs : 0)));
}

/** Returns the window with the same start and another length: the part of the time axis that a series is drawn on. */
export function stretched({ fromUs }: Window, lengthUs: number): Window {
  return { fromUs, untilUs: fromUs + lengthUs };
}

/** Returns the range of values of both series. */
export function commonRange(axis: Axis, ...pictures: (Picture | null)[]): ValueRange {
  const ranges = pictures.flatMap((picture) => {
    const column = picture?.samples.axes[axis];
    const isEmpty = !column?.mid.some((value) => value !== null);
    return picture && !isEmpty ? [visibleRange(picture.samples, axis, picture.window)] : [];
  });
  return rangeOf(ranges.flatMap(({ low, high }) => [low, high]));
}

/** Sample under a cursor: its time and its values. */
export interface Found {
  startUs: number;
  endUs: number;
  low: number;
  mid: number;
  high: number;
}

/** Returns the sample at a time after the start of the window: the bucket there, or the last reading before. */
export function sampleAt(picture: Picture | null, axis: Axis, elapsedUs: number): Found | null {
  const column = picture?.samples.axes[axis];
  if (!picture || !column) return null;
  const { startsUs, endsUs, kind } = picture.samples;
  const us = picture.window.fromUs + elapsedUs;
  const index = firstAfter(startsUs, us) - 1;
  const [startUs, endUs] = [startsUs[index], endsUs[index]];
  if (startUs === undefined || endUs === undefined || (kind === 'buckets' && endUs <= us)) return null;
  const [low, mid, high] = [column.low[index], column.mid[index], column.high[index]];
  return low == null || mid == null || high == null ? null : { startUs, endUs, low, mid, high };
}

/** Returns the middle of a label so that it stays between two edges. All are pixels. */
export function labelPosition(middle: number, width: number, left: number, right: number): number {
  return Math.max(Math.min(middle, right - width / 2), left + width / 2);
}
