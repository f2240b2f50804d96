/** The kind of the first value of a column, for guesses only. */
import { cellText, isTypedTime, type Cell } from './cells';
import { parseEpochNumber } from './epoch-number';
import { parseTextTime } from './text-time';

/** `moment` is a date with a time of day, or a count of seconds or milliseconds since 1970. */
export type Content = 'unknown' | 'moment' | 'date' | 'time of day' | 'number' | 'text';

/** Seconds since 1970 that may be the time of a reading: the years 1990 to 2100. */
const SECONDS_MIN = 631_152_000;
const SECONDS_END = 4_133_980_800;
const DATE_PART = /^\d{1,4}$/;

export function contentOf(cell: Cell | undefined): Content {
  if (isTypedTime(cell)) return cell.kind === 'date' ? 'date' : 'moment';
  const text = cellText(cell).trim();
  if (text === '') return 'unknown';
  if (/^\d+$/.test(text)) return isCountOfTime(Number(text)) ? 'moment' : 'number';
  if (parseEpochNumber(text) ?? parseEpochNumber(text.replace(',', '.'))) return 'number';
  if (typeof parseTextTime(text) !== 'string') return text.includes(':') ? 'moment' : 'date';
  const space = text.search(/[ T]/);
  const [first, rest] = space < 0 ? [text, ''] : [text.slice(0, space), text.slice(space + 1)];
  if (isDate(first)) {
    if (rest === '') return 'date';
    return isTimeOfDay(rest) ? 'moment' : 'text';
  }
  return isTimeOfDay(first) ? 'time of day' : 'text';
}

function isCountOfTime(count: number): boolean {
  return [count, Math.floor(count / 1_000)].some(
    (seconds) => seconds >= SECONDS_MIN && seconds < SECONDS_END,
  );
}

/** Returns whether a text has three numbers of up to four digits with points, slashes or dashes. */
function isDate(text: string): boolean {
  const parts = text.split(/[./-]/);
  return parts.length === 3 && parts.every((part) => DATE_PART.test(part));
}

/** Returns whether a text begins with hours and minutes. */
function isTimeOfDay(text: string): boolean {
  const parts = text.trim().split(':');
  const begins = parts.slice(0, 2).every((part) => /^\d{1,2}(?: |$)/.test(part));
  return (parts.length === 2 || parts.length === 3) && begins && /^\d/.test(parts[2] ?? '0');
}
