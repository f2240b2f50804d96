/** The rows of the table of statistics. */
import type { Analysis } from '../api/client';
import type { Axis } from '../view/view';

export interface Row {
  /** Name of the row; unique. */
  name: string;
  /** The percentile that the viewer chose and can remove; otherwise `null`. */
  percentile: number | null;
  /** The values of the axes: `null` for a value that does not exist, `undefined` before it is loaded. */
  values: (number | null | undefined)[];
}

/** Returns the rows whose values do not depend on the order of the readings by value. */
export function summaryRows(analysis: Analysis, axes: readonly Axis[]): Row[] {
  const row = (name: string, key: 'count' | 'sum' | 'mean' | 'stddev'): Row => ({
    name,
    percentile: null,
    values: axes.map((axis) => analysis[axis]?.[key]),
  });
  return [row('Count', 'count'), row('Sum', 'sum'), row('Mean', 'mean'), row('Stddev', 'stddev')];
}

/** Returns the minimum, the median among the percentiles, and the maximum, in ascending order. */
export function orderRows(analysis: Analysis, axes: readonly Axis[], percentiles: readonly number[]): Row[] {
  const row = (name: string, key: 'min_value' | 'median' | 'max_value'): Row => ({
    name,
    percentile: null,
    values: axes.map((axis) => analysis[axis]?.[key]),
  });
  const chosen = (isHere: (percentile: number) => boolean) =>
    percentiles.filter(isHere).map((percentile): Row => ({
      name: percentileName(percentile),
      percentile,
      values: axes.map((axis) => percentileValue(analysis, axis, percentile)),
    }));
  return [
    row('Minimum', 'min_value'),
    ...chosen((percentile) => percentile < 50),
    row('Median', 'median'),
    ...chosen((percentile) => percentile >= 50),
    row('Maximum', 'max_value'),
  ];
}

/** Returns the value of a percentile; `undefined` if the analysis does not contain it. */
export function percentileValue(analysis: Analysis, axis: Axis, percentile: number): number | undefined {
  return analysis[axis]?.percentiles?.find((entry) => entry.percentile === percentile)?.value;
}

/** Returns the name of a percentile, such as "p99.9". */
export function percentileName(percentile: number): string {
  return `p${percentile}`;
}
