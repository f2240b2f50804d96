/** Pairs of windows that people compare. */
import type { CalendarUnit, Here } from '../time/calendar-window';
import { DAY_US, type TimeUs } from '../time/moment';
import { between, neighbour, type Range, type Window } from '../time/range';
import { momentOfWallUs, offsetUs } from '../time/zone';

/** Pair of windows: the shown one and the one that it is compared with. */
export interface Pair {
  text: string;
  range: Range;
  compareWith: Range;
}

/** Returns the present unit of the calendar and the one before it. */
function calendarPair(text: string, unit: CalendarUnit): Pair {
  return {
    text,
    range: { kind: 'calendar', unit, offset: 0 },
    compareWith: { kind: 'calendar', unit, offset: -1 },
  };
}

/**
 * Returns the pairs that are one click away: days, weeks and months of the calendar, and the shown range with the window
 * before it and with the same span a week earlier.
 */
export function pairs(range: Range, window: Window | null, here: Here): Pair[] {
  const found = [
    calendarPair('This week and last week', 'week'),
    calendarPair('Today and yesterday', 'day'),
    calendarPair('This month and last month', 'month'),
  ];
  const before = window && neighbour(window, -1, here.zone);
  if (before) found.push({ text: 'This window and the one before', range, compareWith: before });
  const earlier =
    window && between(weekBefore(window.fromUs, here.zone), weekBefore(window.untilUs, here.zone));
  if (earlier) found.push({ text: 'This window and a week earlier', range, compareWith: earlier });
  return found;
}

/** Returns the moment a week earlier with the same time on the clock. */
function weekBefore(us: TimeUs, zone: string): TimeUs {
  return momentOfWallUs(us + offsetUs(us, zone) - 7 * DAY_US, zone);
}
