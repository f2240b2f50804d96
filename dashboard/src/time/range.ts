/**
 * The span of time that a view shows: its window at a moment, its text in the address, and the moves to the spans
 * around it. `common-ranges.ts` has the ranges that are one click away, `typed-range.ts` reads ranges written by hand.
 */
import { dateOfDays, daysOfDate } from './calendar';
import { calendarWindow, type CalendarUnit } from './calendar-window';
import { clampUs, MAX_US, MIN_US, parseRfc3339, SECOND_US, toShortRfc3339, type TimeUs } from './moment';
import { startOfDay, wholeDays } from './zone';

/**
 * The last `seconds`, up to now; the present day, week, month or year of the zone, or the one before it; a fixed window,
 * with an exclusive end; or all readings.
 */
export type Range =
  | { kind: 'last'; seconds: number }
  | { kind: 'calendar'; unit: CalendarUnit; offset: 0 | -1 }
  | { kind: 'between'; fromUs: TimeUs; untilUs: TimeUs }
  | { kind: 'all' };

/** Span of time with an exclusive end; it is never empty. */
export interface Window {
  fromUs: TimeUs;
  untilUs: TimeUs;
}

/** Longest span before now, in seconds: 10,000 years. */
const SECONDS_MAX = 10_000 * 365.25 * 86_400;

/** Returns the window of a range at a moment in a zone; `null` if it has no bounds. */
export function windowOf(range: Exclude<Range, { kind: 'all' }>, nowUs: TimeUs, zone: string): Window;
export function windowOf(range: Range, nowUs: TimeUs, zone: string): Window | null;
export function windowOf(range: Range, nowUs: TimeUs, zone: string): Window | null {
  if (range.kind === 'all') return null;
  if (range.kind === 'between') return { fromUs: range.fromUs, untilUs: range.untilUs };
  if (range.kind === 'calendar') return calendarWindow(range.unit, range.offset, { nowUs, zone });
  return { fromUs: clampUs(nowUs - range.seconds * SECOND_US), untilUs: nowUs };
}

/** Returns a range with fixed ends, in order and inside the years 0001 to 9999; `null` if it is empty. */
export function between(fromUs: number, untilUs: number): Range | null {
  const range: Range = { kind: 'between', fromUs: clampUs(fromUs), untilUs: clampUs(untilUs) };
  return range.fromUs < range.untilUs ? range : null;
}

/** Returns the range of the last seconds; `null` if their number is out of range. */
export function last(seconds: number): Range | null {
  return seconds >= 1e-6 && seconds <= SECONDS_MAX ? { kind: 'last', seconds } : null;
}

const UNITS: [unit: string, seconds: number][] = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
];

/** Ranges of the calendar in the address. */
const CALENDAR_WORDS: [word: string, unit: CalendarUnit, offset: 0 | -1][] = [
  ['today', 'day', 0],
  ['yesterday', 'day', -1],
  ['this-week', 'week', 0],
  ['last-week', 'week', -1],
  ['this-month', 'month', 0],
  ['last-month', 'month', -1],
  ['this-year', 'year', 0],
  ['last-year', 'year', -1],
];

/** Returns the range of the calendar with a name, such as `today` or `last-week`; `null` if there is none. */
export function calendarNamed(name: string): Range | null {
  const [, unit, offset] = CALENDAR_WORDS.find(([word]) => word === name) ?? [];
  return unit === undefined || offset === undefined ? null : { kind: 'calendar', unit, offset };
}

/** Returns the name of a range of the calendar. */
export function calendarWord(range: { unit: CalendarUnit; offset: 0 | -1 }): string {
  return CALENDAR_WORDS.find(([, unit, offset]) => unit === range.unit && offset === range.offset)?.[0] ?? '';
}

/** Returns the parameters of the address for a range: `last=6h`, `last=all`, `during=today`, or `from=…&until=…`. */
export function rangeToQuery(range: Range): Record<string, string> {
  if (range.kind === 'all') return { last: 'all' };
  if (range.kind === 'calendar') return { during: calendarWord(range) };
  if (range.kind === 'between') {
    return { from: toShortRfc3339(range.fromUs), until: toShortRfc3339(range.untilUs) };
  }
  const [unit, size] = UNITS.find(([, seconds]) => range.seconds % seconds === 0) ?? ['s', 1];
  return { last: `${range.seconds / size}${unit}` };
}

/** Returns the range in the parameters of an address; `null` if they have none that is valid. */
export function rangeFromQuery(query: URLSearchParams): Range | null {
  const text = query.get('last');
  if (text === 'all') return { kind: 'all' };
  const [, count, unit] = /^(\d+(?:\.\d+)?)([dhms])$/.exec(text ?? '') ?? [];
  if (count) return last(Number(count) * (UNITS.find(([name]) => name === unit)?.[1] ?? 1));
  const named = calendarNamed(query.get('during') ?? '');
  if (named) return named;
  const [fromUs, untilUs] = [query.get('from'), query.get('until')].map((end) => parseRfc3339(end ?? ''));
  return fromUs == null || untilUs == null ? null : between(fromUs, untilUs);
}

/** Returns the range of the same length before (`-1`) or after (`1`) a window: whole months and days stay whole. */
export function neighbour(window: Window, direction: -1 | 1, zone: string): Range | null {
  const { fromUs, untilUs } = window;
  const days = wholeDays(fromUs, untilUs, zone);
  if (!days) return shifted(window, direction * (untilUs - fromUs));
  const [first, end] = [dateOfDays(days.from), dateOfDays(days.until)];
  if (first.day === 1 && end.day === 1) {
    const months = direction * ((end.year - first.year) * 12 + end.month - first.month);
    return between(
      startOfDay(daysOfDate(first.year, first.month + months, 1), zone),
      startOfDay(daysOfDate(end.year, end.month + months, 1), zone),
    );
  }
  const count = direction * (days.until - days.from);
  return between(startOfDay(days.from + count, zone), startOfDay(days.until + count, zone));
}

/** Returns a window moved by a number of microseconds. It stays inside the years 0001 to 9999. */
function shifted({ fromUs, untilUs }: Window, us: number): Range | null {
  const bounded = Math.min(Math.max(us, MIN_US - fromUs), MAX_US - untilUs);
  return between(fromUs + bounded, untilUs + bounded);
}

/** Returns a range of twice the length: around the centre of a window at a moment in a zone, or up to now. */
export function zoomedOut(range: Range, nowUs: TimeUs, zone: string): Range {
  if (range.kind === 'all') return range;
  if (range.kind === 'last') return last(range.seconds * 2) ?? range;
  const { fromUs, untilUs } = windowOf(range, nowUs, zone);
  // Far from 1970, neighbouring numbers are 32 µs apart.
  const least = Number.isSafeInteger(fromUs) && Number.isSafeInteger(untilUs) ? 1 : 32;
  const half = Math.max((untilUs - fromUs) / 2, least);
  return between(fromUs - half, untilUs + half) ?? range;
}

/** Returns whether two ranges are the same. */
export function sameRange(a: Range, b: Range): boolean {
  return JSON.stringify(rangeToQuery(a)) === JSON.stringify(rangeToQuery(b));
}
