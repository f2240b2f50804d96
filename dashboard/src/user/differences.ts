/** The statistics of two windows beside each other, and their differences. */
import type { Axis } from '../view/view';
import { deviceStatistics, type Column, type UserAnalysis } from './columns';
import type { DeviceRow } from './device-rows';

/** Positions of the values in a row of differences, after the values of both windows. */
export const DIFFERENCE = 2;
export const RATIO = 3;

/** Returns the values of a row: both statistics, first minus second, and this difference as a part of the second. */
export function difference(first: number | null, second: number | null): (number | null)[] {
  if (first === null || second === null) return [first, second, null, null];
  const difference = finite(first - second);
  return [
    first,
    second,
    difference,
    second === 0 || difference === null ? null : finite(difference / Math.abs(second)),
  ];
}

/** The difference of two doubles can be beyond their range. */
function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** Returns a row for each device with readings in at least one of two windows. */
export function differenceRows(
  first: UserAnalysis | null,
  second: UserAnalysis | null,
  axis: Axis,
  column: Column,
): DeviceRow[] {
  const [before, after] = [deviceStatistics(second, axis), deviceStatistics(first, axis)];
  return [...new Set([...after.keys(), ...before.keys()])].map((deviceId) => {
    const [now, then] = [after.get(deviceId), before.get(deviceId)];
    return { deviceId, values: difference(valueIn(now, column), valueIn(then, column)) };
  });
}

/** Returns the row of all devices together. */
export function totalDifference(
  first: UserAnalysis | null,
  second: UserAnalysis | null,
  axis: Axis,
  column: Column,
): DeviceRow {
  const [now, then] = [first?.aggregate_stats[axis], second?.aggregate_stats[axis]];
  return { deviceId: '', values: difference(valueIn(now, column), valueIn(then, column)) };
}

/** A window without readings has zero readings, and no other statistic. */
function valueIn(statistics: Parameters<Column['valueOf']>[0] | undefined, column: Column): number | null {
  if (statistics) return column.valueOf(statistics);
  return column.key === 'count' ? 0 : null;
}
