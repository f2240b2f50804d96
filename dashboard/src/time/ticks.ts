/**
 * Positions of the ticks of a time axis, at times that are round on the wall clock of a zone: midnights, full hours,
 * first days of months. Labels are in `tick-labels.ts`.
 *
 * The number of steps of every loop is bounded by the number of ticks that fit on the axis.
 */
import { dateOfDays, daysOfDate, floorMod } from './calendar';
import { weekStart, type Locale } from './formats';
import { DAY_US, HOUR_US, MAX_US, MIN_US, MINUTE_US, SECOND_US, type TimeUs } from './moment';
import { labelTicks, labelWidth, type Tick } from './tick-labels';
import { dayOf, nextChange, offsetUs, startOfDay } from './zone';

export type { Tick } from './tick-labels';

/** Distance of two ticks: a time on the clock, or a number of days or months of the calendar. */
export type Step = { unit: 'time'; us: number } | { unit: 'day' | 'month'; count: number };

const TIMES: number[] = [
  ...[1, 10, 100, 1_000, 10_000, 100_000].flatMap((us) => [us, 2 * us, 5 * us]),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * SECOND_US),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * MINUTE_US),
  ...[1, 2, 3, 6, 12].map((count) => count * HOUR_US),
];
const YEARS = [1, 10, 100, 1_000].flatMap((years) => [years, 2 * years, 5 * years]);

/** All steps, from the shortest to the longest. */
const STEPS: Step[] = [
  ...TIMES.map((us): Step => ({ unit: 'time', us })),
  ...[1, 2, 7, 14].map((count): Step => ({ unit: 'day', count })),
  ...[1, 3, 6].map((count): Step => ({ unit: 'month', count })),
  ...YEARS.map((years): Step => ({ unit: 'month', count: 12 * years })),
];

/** Limit of ticks on an axis, however wide it is. */
const TICKS_MAX = 200;
/** Empty space between two labels, in pixels. */
const LABEL_GAP_PX = 20;

/**
 * Returns the ticks of an axis that shows `fromUs` to `untilUs` on `widthPx` pixels, with their labels. Ticks are in
 * order of time, and their labels do not overlap.
 */
export function ticks(
  fromUs: TimeUs,
  untilUs: TimeUs,
  widthPx: number,
  zone: string,
  locale?: Locale,
): Tick[] {
  const from = Math.max(Math.ceil(fromUs), MIN_US);
  const until = Math.min(Math.floor(untilUs), MAX_US);
  // Also false for numbers that are not finite.
  if (!(from <= until) || !(widthPx > 0)) return [];
  const step = chooseStep(from, until, widthPx, zone, locale);
  const positions = tickPositions(step, from, until, zone, weekStart(locale));
  return labelTicks(positions, step, zone, widthPx / Math.max(untilUs - fromUs, 1), locale);
}

function chooseStep(from: TimeUs, until: TimeUs, widthPx: number, zone: string, locale: Locale): Step {
  const pixelsPerUs = widthPx / Math.max(until - from, 1);
  const enough = (step: Step): boolean => {
    const pixels = stepUs(step) * pixelsPerUs;
    return (
      pixels >= Math.max(widthPx / TICKS_MAX, LABEL_GAP_PX) &&
      pixels >= labelWidth(step, from, until, zone, locale) + LABEL_GAP_PX
    );
  };
  return STEPS.find(enough) ?? { unit: 'month', count: 120_000 };
}

/** Returns the shortest length of a step, except that a day may be shorter where clocks change. */
function stepUs(step: Step): number {
  if (step.unit === 'time') return step.us;
  if (step.unit === 'day') return step.count * DAY_US;
  return (step.count < 12 ? step.count * 28 : (step.count / 12) * 365) * DAY_US;
}

/** Returns the moments inside `[from, until]` that are multiples of a step on the clock of a zone, in order. */
export function tickPositions(
  step: Step,
  from: TimeUs,
  until: TimeUs,
  zone: string,
  firstWeekday: number,
): TimeUs[] {
  const found = step.unit === 'time' ? timesBetween(step.us, from, until, zone) : [];
  if (step.unit === 'day') {
    // Like the buckets of the API, days are counted from the first day of a week in January 2000.
    const origin = daysOfDate(2000, 1, 3) + floorMod(firstWeekday - 1, 7);
    const first = dayOf(from, zone);
    const days = (day: number): number => day;
    found.push(...starts(first - floorMod(first - origin, step.count), step.count, days, until, zone));
  }
  if (step.unit === 'month') {
    const { year, month } = dateOfDays(dayOf(from, zone));
    const first = year * 12 + month - 1;
    const days = (index: number): number => daysOfDate(0, index + 1, 1);
    found.push(...starts(first - floorMod(first, step.count), step.count, days, until, zone));
  }
  return found.filter((us, index) => us >= from && us <= until && us !== found[index - 1]);
}

/** Returns the starts of every `count`-th day or month from `first` to `until`. */
function starts(
  first: number,
  count: number,
  days: (index: number) => number,
  until: TimeUs,
  zone: string,
): TimeUs[] {
  const found: TimeUs[] = [];
  for (let index = first; index <= first + 2 * TICKS_MAX * count; index += count) {
    const us = startOfDay(days(index), zone);
    if (us > until) break;
    // Moments before the year 0001 and after 9999 are clamped to these ends.
    if (us > MIN_US && us < MAX_US) found.push(us);
  }
  return found;
}

/** Returns the multiples of `us` on the clock. Between two changes of the clock they are evenly spaced. */
function timesBetween(us: number, from: TimeUs, until: TimeUs, zone: string): TimeUs[] {
  const found: TimeUs[] = [];
  let start = from;
  while (found.length <= 2 * TICKS_MAX) {
    const change = nextChange(start, until, zone);
    const offset = offsetUs(start, zone);
    const first = start + floorMod(-(start + offset), us);
    // Far from 1970, neighbouring numbers are up to 32 µs apart.
    for (let count = 0; found.length <= 2 * TICKS_MAX; count += 1) {
      const tick = first + count * us;
      if (tick > until || (change !== null && tick >= change)) break;
      const crowded = found.length > 0 && tick - (found.at(-1) ?? 0) < 0.75 * us;
      if (!crowded) found.push(tick);
    }
    if (change === null) break;
    start = change;
  }
  return found;
}
