/** Ranges that people use often, and the days, weeks, months and years of a zone around a moment. */
import { dateOfDays, daysOfDate, floorMod, weekdayOfDays } from './calendar';
import { weekStart, type Locale } from './formats';
import { SECOND_US, type TimeUs } from './moment';
import type { Range } from './range';
import { spanText, windowText } from './text';
import { dayOf, startOfDay } from './zone';

/** The moment, zone and locale in which a range is meant. */
export interface Here {
  nowUs: TimeUs;
  zone: string;
  locale?: Locale;
}

/** Unit of the calendar. */
export type CalendarUnit = 'day' | 'week' | 'month' | 'year';

/** Returns the day, week, month or year that lies `offset` of these units after the present one. */
export function calendarRange(unit: CalendarUnit, offset: number, here: Here): Range {
  const today = dayOf(here.nowUs, here.zone);
  const [from, until] = calendarDays(unit, offset, today, weekStart(here.locale));
  return { kind: 'between', fromUs: startOfDay(from, here.zone), untilUs: startOfDay(until, here.zone) };
}

function calendarDays(
  unit: CalendarUnit,
  offset: number,
  today: number,
  firstWeekday: number,
): [number, number] {
  if (unit === 'day') return [today + offset, today + offset + 1];
  if (unit === 'week') {
    const start = today - floorMod(weekdayOfDays(today) - firstWeekday, 7) + 7 * offset;
    return [start, start + 7];
  }
  const { year, month } = dateOfDays(today);
  if (unit === 'month') return [daysOfDate(year, month + offset, 1), daysOfDate(year, month + offset + 1, 1)];
  return [daysOfDate(year + offset, 1, 1), daysOfDate(year + offset + 1, 1, 1)];
}

/** Range that is one click away. */
export interface CommonRange {
  /** Short name for a button. */
  short: string;
  /** Whole name. */
  text: string;
  range: (here: Here) => Range;
  /** Length of a span up to now. */
  seconds?: number;
}

function lastSeconds(short: string, text: string, seconds: number): CommonRange {
  return { short, text: `Last ${text}`, range: () => ({ kind: 'last', seconds }), seconds };
}

function calendar(text: string, unit: CalendarUnit, offset: number): CommonRange {
  return { short: text, text, range: (here) => calendarRange(unit, offset, here) };
}

/** Spans up to now, from the shortest to the longest. */
export const LAST_RANGES: CommonRange[] = [
  lastSeconds('5 min', '5 minutes', 300),
  lastSeconds('15 min', '15 minutes', 900),
  lastSeconds('1 h', 'hour', 3_600),
  lastSeconds('6 h', '6 hours', 21_600),
  lastSeconds('24 h', '24 hours', 86_400),
  lastSeconds('7 d', '7 days', 7 * 86_400),
  lastSeconds('30 d', '30 days', 30 * 86_400),
  lastSeconds('90 d', '90 days', 90 * 86_400),
  lastSeconds('1 y', 'year', 365 * 86_400),
];

/** Days, weeks and months of the calendar, and all readings. */
export const CALENDAR_RANGES: CommonRange[] = [
  calendar('Today', 'day', 0),
  calendar('Yesterday', 'day', -1),
  calendar('This week', 'week', 0),
  calendar('Last week', 'week', -1),
  calendar('This month', 'month', 0),
  calendar('Last month', 'month', -1),
  { short: 'All', text: 'All readings', range: () => ({ kind: 'all' }) },
];

/** Returns the meaning of a range for people, such as `Last 6 hours, up to now`. */
export function rangeText(range: Range, zone: string | null, locale?: Locale): string {
  if (range.kind === 'all') return 'All readings';
  if (range.kind === 'between') return windowText(range.fromUs, range.untilUs, zone, locale);
  const common = LAST_RANGES.find(({ seconds }) => seconds === range.seconds);
  return `${common?.text ?? `Last ${spanText(range.seconds * SECOND_US, 'en')}`}, up to now`;
}
