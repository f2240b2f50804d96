/** The statistics that the tables of a user show: their names, and where the response of an analysis has them. */
import type { Schema, Statistics } from '../api/client';
import type { Axis } from '../view/view';

export type UserAnalysis = Schema['UserAnalysis'];

/** Statistic in a column of a table. */
export interface Column {
  /** Stable name, as in the API; percentiles are `p99.9`. */
  key: string;
  /** Name for people. */
  name: string;
  /** Value of the statistic; `null` if it does not exist, for example the deviation of a single reading. */
  valueOf: (statistics: Statistics) => number | null;
}

function column(
  key: 'count' | 'min_value' | 'max_value' | 'median' | 'mean' | 'stddev' | 'sum',
  name: string,
): Column {
  return { key, name, valueOf: (statistics) => statistics[key] ?? null };
}

function percentile(percent: number): Column {
  return {
    key: `p${percent}`,
    name: `p${percent}`,
    valueOf: ({ percentiles }) => percentiles?.find((entry) => entry.percentile === percent)?.value ?? null,
  };
}

export const COUNT: Column = column('count', 'Readings');

/** Returns the columns for the chosen percentiles, which stand in the order of their values. */
export function columnsFor(percentiles: readonly number[]): Column[] {
  const sorted = [...percentiles].sort((a, b) => a - b);
  return [
    COUNT,
    column('min_value', 'Minimum'),
    ...sorted.filter((percent) => percent < 50).map(percentile),
    column('median', 'Median'),
    ...sorted.filter((percent) => percent >= 50).map(percentile),
    column('max_value', 'Maximum'),
    column('mean', 'Mean'),
    column('stddev', 'Stddev'),
    column('sum', 'Sum'),
  ];
}

/** Returns the statistics of an axis for each device with readings, by its name. */
export function deviceStatistics(analysis: UserAnalysis | null, axis: Axis): Map<string, Statistics> {
  const found = new Map<string, Statistics>();
  for (const { device_id, stats } of analysis?.device_stats ?? []) {
    const statistics = stats[axis];
    if (statistics) found.set(device_id, statistics);
  }
  return found;
}

/** Returns the number of readings of a device in a window; of all devices together if `deviceId` is empty. */
export function readingsIn(analysis: UserAnalysis | null, deviceId: string): number {
  if (deviceId === '') return analysis?.aggregate_stats.x.count ?? 0;
  return deviceStatistics(analysis, 'x').get(deviceId)?.count ?? 0;
}
