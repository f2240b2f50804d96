/** What the first rows of a file become with a mapping, and what the user still has to decide. */
import { isTypedTime, type SourceRow } from './cells';
import { doubtsOf } from './column-guess';
import { READINGS_SHOWN } from './limits';
import { planOf, type Mapping } from './mapping';
import { problemsOf } from './mapping-problems';
import { RowReader } from './row-reader';
import { isRejected, type ReadingRow, type RejectedRow } from './rows';
import type { SourceColumn } from './row-source';
import { FORMS, formsOf, hasClockTimes, hasNumericTimes } from './time-guess';

export interface Review {
  /** Some of the first rows, as readings or with their faults. */
  rows: (ReadingRow | RejectedRow)[];
  /** Number of rows that have been checked, and number of faulty ones. */
  checked: number;
  faulty: number;
  /** Everything that must be corrected before the import. */
  problems: string[];
  /** Everything that may be wrong. */
  doubts: string[];
  /** The forms of times that the user may choose; the ones that fit the first rows come first. */
  forms: string[];
  /** Whether the times are texts or numbers, so that they have a form. */
  hasForm: boolean;
  /** Whether a time is a number, so that it has a unit. */
  hasNumbers: boolean;
  /** Whether a time has no offset, so that its zone matters. */
  hasClockTimes: boolean;
}

export function reviewOf(
  columns: readonly SourceColumn[],
  source: readonly SourceRow[],
  mapping: Mapping,
): Review {
  const problems = problemsOf(mapping);
  const { timestamp } = planOf(mapping.roles);
  // Before everything is chosen, all rows would be faulty.
  const reader = problems.length === 0 ? new RowReader(mapping) : null;
  const rows = reader ? source.map((row) => reader.read(row)) : [];
  const rejected = rows.filter(isRejected);
  const readings = rows.filter((row) => !isRejected(row));
  const shown = [...readings.slice(0, READINGS_SHOWN), ...rejected.slice(0, READINGS_SHOWN)];
  return {
    rows: shown.sort((a, b) => a.number - b.number),
    checked: rows.length,
    faulty: rejected.length,
    problems,
    doubts: doubtsOf(columns, source, mapping),
    forms: [...new Set([...formsOf(mapping, source), ...FORMS, 'excel'])],
    hasForm: timestamp !== null && !source.some((row) => isTypedTime(row.cells[timestamp])),
    hasNumbers: hasNumericTimes(mapping, source),
    hasClockTimes: hasClockTimes(mapping, source),
  };
}
