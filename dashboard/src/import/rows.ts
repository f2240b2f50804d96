/** Rows of a file after the check: readings, and rejected rows with the reasons. */
import type { Moment } from './cells';
import type { Target } from './column-names';

export interface ReadingRow {
  number: number;
  device: string;
  /** `null`: the server gives the time. */
  time: Moment | null;
  x: string;
  y: string;
  z: string;
}

/** A fault of a row. */
export interface RowFault {
  /** The faulty value; `null` if the row as a whole is faulty. */
  field: Target | null;
  message: string;
}

export interface RejectedRow {
  number: number;
  /** The texts of the values, in the order of `TARGETS`. */
  values: string[];
  faults: RowFault[];
}

export function isRejected(row: ReadingRow | RejectedRow): row is RejectedRow {
  return 'faults' in row;
}
