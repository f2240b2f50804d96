/** The rows of the table that compares the devices of a user, and their order. */
import type { Axis } from '../view/view';
import { deviceStatistics, type Column, type UserAnalysis } from './columns';

/** Values of a device, or of all devices together, one for each column; `null` for a value that does not exist. */
export interface DeviceRow {
  deviceId: string;
  values: (number | null)[];
}

/** Order of a table: by the name of the device (`column` is `null`) or by the values of a column. */
export interface Order {
  column: number | null;
  isDescending: boolean;
}

/** Returns a row for each device: those with readings in the window, and the other ones that the user has. */
export function deviceRows(
  analysis: UserAnalysis | null,
  deviceIds: readonly string[],
  axis: Axis,
  columns: readonly Column[],
): DeviceRow[] {
  const statistics = deviceStatistics(analysis, axis);
  return [...new Set([...statistics.keys(), ...deviceIds])].map((deviceId) => {
    const found = statistics.get(deviceId);
    return { deviceId, values: columns.map((column) => (found ? column.valueOf(found) : null)) };
  });
}

/** Returns the row of all devices in one pool; `null` without readings. */
export function totalRow(
  analysis: UserAnalysis | null,
  axis: Axis,
  columns: readonly Column[],
): DeviceRow | null {
  const statistics = analysis?.aggregate_stats[axis];
  if (!statistics) return null;
  return { deviceId: '', values: columns.map((column) => column.valueOf(statistics)) };
}

/** Compares names as people expect: `pump-9` before `pump-10`. */
const collator = new Intl.Collator(undefined, { numeric: true });

/**
 * Returns the rows in an order. Rows without a value come last in both directions; equal ones are sorted by name. A device
 * without a name is sorted by its identifier.
 */
export function sortRows<T extends DeviceRow>(
  rows: readonly T[],
  { column, isDescending }: Order,
  displayed: ReadonlyMap<string, string> = new Map(),
): T[] {
  const nameOf = ({ deviceId }: T): string => displayed.get(deviceId) ?? deviceId;
  const sign = isDescending ? -1 : 1;
  const byName = (a: T, b: T): number =>
    collator.compare(nameOf(a), nameOf(b)) || (a.deviceId < b.deviceId ? -1 : 1);
  if (column === null) return [...rows].sort((a, b) => sign * byName(a, b));
  return [...rows].sort((a, b) => {
    const [first, second] = [a.values[column] ?? null, b.values[column] ?? null];
    if (first === second) return byName(a, b);
    if (first === null) return 1;
    if (second === null) return -1;
    return first < second ? -sign : sign;
  });
}

/** Returns the order after a click on a heading: names begin with A, values with the largest. */
export function nextOrder(order: Order, column: number | null): Order {
  if (order.column === column) return { column, isDescending: !order.isDescending };
  return { column, isDescending: column !== null };
}
