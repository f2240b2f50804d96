/** The values of a row of any format, and their texts. */
import { dateOfDays } from '../time/calendar';

/**
 * A moment in whole seconds since 1970 UTC and microseconds from 0 to 999,999. It is exact in the years 1 to
 * 9999.
 */
export interface Moment {
  s: number;
  us: number;
}

/** A time of Arrow or Parquet. */
export interface TypedTime extends Moment {
  /** Whether it is a moment in UTC, the time of a clock without an offset, or a date. */
  kind: 'moment' | 'clock' | 'date';
}

/** A value of a row. A number of Arrow or Parquet with more digits than a double is a bigint or a text. */
export type Cell = string | number | bigint | boolean | null | TypedTime;

/** A row of a file. */
export interface SourceRow {
  /** Line of the file on which it begins, or its row number; from 1. */
  number: number;
  cells: Cell[];
  /** The reason why the row cannot be divided into cells; then the cells may be shifted. */
  problem?: string;
}

const DAY_S = 86_400;

export function isTypedTime(cell: Cell | undefined): cell is TypedTime {
  return typeof cell === 'object' && cell !== null;
}

/** Returns the text of a number with all its digits. */
export function numberText(number: number): string {
  return Object.is(number, -0) ? '-0' : String(number);
}

/** Returns a value as the text of a cell. */
export function cellText(cell: Cell | undefined): string {
  if (cell === null || cell === undefined) return '';
  if (typeof cell === 'number') return numberText(cell);
  if (!isTypedTime(cell)) return String(cell);
  const text = momentText(cell);
  if (cell.kind === 'moment') return text;
  return cell.kind === 'date' ? text.slice(0, text.indexOf('T')) : text.slice(0, -1);
}

/** Returns a moment as RFC 3339 in UTC: `2026-11-23T10:00:00.250000Z`. */
export function momentText({ s, us }: Moment): string {
  const day = Math.floor(s / DAY_S);
  const ofDay = s - day * DAY_S;
  const { year, month, day: date } = dateOfDays(day);
  const clock = [Math.floor(ofDay / 3_600), Math.floor(ofDay / 60) % 60, ofDay % 60];
  const digits = (number: number, count: number) => String(number).padStart(count, '0');
  const dateText = `${digits(year, 4)}-${digits(month, 2)}-${digits(date, 2)}`;
  return `${dateText}T${clock.map((part) => digits(part, 2)).join(':')}.${digits(us, 6)}Z`;
}

/** Returns a moment in microseconds since 1970 UTC. It is exact in the years 1685 to 2255. */
export function momentUs({ s, us }: Moment): number {
  return s * 1_000_000 + us;
}
