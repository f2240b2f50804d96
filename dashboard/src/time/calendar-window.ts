/** The days, weeks, months and years of a zone around a moment. */
import { dateOfDays, daysOfDate, floorMod, weekdayOfDays } from './calendar';
import { weekStart, type Locale } from './formats';
import type { TimeUs } from './moment';
import { dayOf, startOfDay } from './zone';

/** The moment, zone and locale in which a range is meant. */
export interface Here {
  nowUs: TimeUs;
  zone: string;
  locale?: Locale;
}

/** Unit of the calendar. */
export type CalendarUnit = 'day' | 'week' | 'month' | 'year';

/** Returns the ends of the day, week, month or year that lies `offset` of these units after the present one. */
export function calendarWindow(
  unit: CalendarUnit,
  offset: number,
  here: Here,
): { fromUs: TimeUs; untilUs: TimeUs } {
  const today = dayOf(here.nowUs, here.zone);
  const [from, until] = calendarDays(unit, offset, today, weekStart(here.locale));
  return { fromUs: startOfDay(from, here.zone), untilUs: startOfDay(until, here.zone) };
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
