/** Ranges that people use often, and the texts of ranges. */
import type { CalendarUnit } from './calendar-window';
import type { Locale } from './formats';
import { nowUs, SECOND_US } from './moment';
import { windowOf, type Range } from './range';
import { spanText, windowText } from './text';
import { zoneOf } from './zone';

/** Range that is one click away. */
export interface CommonRange {
  /** Short name for a button. */
  short: string;
  /** Whole name. */
  text: string;
  range: Range;
  /** Length of a span up to now. */
  seconds?: number;
}

function lastSeconds(short: string, text: string, seconds: number): CommonRange {
  return { short, text: `Last ${text}`, range: { kind: 'last', seconds }, seconds };
}

function calendar(text: string, unit: CalendarUnit, offset: 0 | -1): CommonRange {
  return { short: text, text, range: { kind: 'calendar', unit, offset } };
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

/** Days, weeks and months of the calendar, and all readings. They stay those of the present: tomorrow, `Today` is another day. */
export const CALENDAR_RANGES: CommonRange[] = [
  calendar('Today', 'day', 0),
  calendar('Yesterday', 'day', -1),
  calendar('This week', 'week', 0),
  calendar('Last week', 'week', -1),
  calendar('This month', 'month', 0),
  calendar('Last month', 'month', -1),
  { short: 'All', text: 'All readings', range: { kind: 'all' } },
];

const CALENDAR_NAMES: Record<CalendarUnit, [present: string, before: string]> = {
  day: ['Today', 'Yesterday'],
  week: ['This week', 'Last week'],
  month: ['This month', 'Last month'],
  year: ['This year', 'Last year'],
};

/** Returns the meaning of a range for people, such as `Last 6 hours, up to now`. */
export function rangeText(range: Range, zone: string | null, locale?: Locale, atUs = nowUs()): string {
  if (range.kind === 'all') return 'All readings';
  if (range.kind === 'last') {
    const common = LAST_RANGES.find(({ seconds }) => seconds === range.seconds);
    return `${common?.text ?? `Last ${spanText(range.seconds * SECOND_US, 'en')}`}, up to now`;
  }
  const { fromUs, untilUs } = windowOf(range, atUs, zoneOf(zone));
  const text = windowText(fromUs, untilUs, zone, locale);
  return range.kind === 'between' ? text : `${calendarName(range.unit, range.offset)}: ${text}`;
}

/** Returns the name of a unit of the calendar, such as `Last week`. */
export function calendarName(unit: CalendarUnit, offset: 0 | -1): string {
  return CALENDAR_NAMES[unit][offset === 0 ? 0 : 1];
}
