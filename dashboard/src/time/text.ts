/** Texts of moments, windows and spans of time in the locale of the viewer and a chosen zone. */
import { floorMod } from './calendar';
import { dateFormat, numberFormat, relativeFormat, type Locale } from './formats';
import { DAY_US, HOUR_US, MINUTE_US, SECOND_US, type TimeUs } from './moment';
import { startOfDay, wholeDays, zoneOf } from './zone';

const DATE: Intl.DateTimeFormatOptions = { year: 'numeric', month: 'short', day: 'numeric' };
const MINUTES: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit' };
const SECONDS: Intl.DateTimeFormatOptions = { ...MINUTES, second: '2-digit' };

/** Zone of a text: an IANA name, or `null` for the viewer's zone. */
export type TextZone = string | null;

/** Returns a moment with date and time, down to the microsecond if it is not a whole second. */
export function momentText(us: TimeUs, zone: TextZone, locale?: Locale): string {
  return withFraction(us, fractionDigits(us), { ...DATE, ...SECONDS, timeZone: zoneOf(zone) }, locale);
}

/** Returns the date of a moment. */
export function dateText(us: TimeUs, zone: TextZone, locale?: Locale): string {
  return dateFormat(locale, { ...DATE, timeZone: zoneOf(zone) }).format(millis(us));
}

/**
 * Returns the time of day of a moment. `digits` is the number of digits of the fraction of a second, 0 to 6, or
 * `'minute'` for a time without seconds.
 */
export function timeText(us: TimeUs, zone: TextZone, digits: number | 'minute', locale?: Locale): string {
  if (digits === 'minute')
    return dateFormat(locale, { ...MINUTES, timeZone: zoneOf(zone) }).format(millis(us));
  return withFraction(us, digits, { ...SECONDS, timeZone: zoneOf(zone) }, locale);
}

/** Returns how far a zone is from UTC at a moment, such as `GMT+1`. */
export function offsetText(us: TimeUs, zone: TextZone, locale?: Locale): string {
  const parts = dateFormat(locale, { timeZone: zoneOf(zone), timeZoneName: 'shortOffset' }).formatToParts(
    millis(us),
  );
  return parts.find((part) => part.type === 'timeZoneName')?.value ?? '';
}

/** Returns a window: dates if it consists of whole days, otherwise its start and its end with their times. */
export function windowText(fromUs: TimeUs, untilUs: TimeUs, zone: TextZone, locale?: Locale): string {
  const days = wholeDays(fromUs, untilUs, zoneOf(zone));
  if (days) {
    const weekday = days.until - days.from === 1 ? { weekday: 'short' as const } : {};
    const lastUs = startOfDay(days.until - 1, zoneOf(zone));
    return joinedText(fromUs, lastUs, { ...DATE, ...weekday, timeZone: zoneOf(zone) }, locale);
  }
  const whole = (unit: number): boolean => fromUs % unit === 0 && untilUs % unit === 0;
  if (whole(SECOND_US)) {
    const time = whole(MINUTE_US) ? MINUTES : SECONDS;
    return joinedText(fromUs, untilUs, { ...DATE, ...time, timeZone: zoneOf(zone) }, locale);
  }
  return `${momentText(fromUs, zone, locale)} – ${momentText(untilUs, zone, locale)}`;
}

function joinedText(
  fromUs: TimeUs,
  untilUs: TimeUs,
  options: Intl.DateTimeFormatOptions,
  locale: Locale,
): string {
  return dateFormat(locale, options).formatRange(millis(fromUs), millis(untilUs));
}

const SPAN_UNITS: [unit: string, us: number][] = [
  ['day', DAY_US],
  ['hour', HOUR_US],
  ['minute', MINUTE_US],
  ['second', SECOND_US],
  ['millisecond', 1_000],
  ['microsecond', 1],
];
/** Spans from here on are given in years. */
const LONG_SPAN_US = 730 * DAY_US;
const YEAR_US = 365.2425 * DAY_US;

/** Returns the length of a span in its two largest units, such as `3 hr 20 min`. */
export function spanText(us: number, locale?: Locale): string {
  const length = Math.abs(Math.round(us));
  if (length >= LONG_SPAN_US) return unitText(length / YEAR_US, 'year', locale, 1);
  const largest = SPAN_UNITS.findIndex(([, size]) => length >= size);
  if (largest < 0) return unitText(0, 'second', locale);
  const [, smallestUs] = SPAN_UNITS[largest + 1] ?? ['', 1];
  // Rounding comes first: 59 min 59.9 s is an hour, not "60 min".
  let rest = Math.round(length / smallestUs) * smallestUs;
  const parts: string[] = [];
  for (const [unit, size] of SPAN_UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(unitText(count, unit, locale));
  }
  return parts.join(' ');
}

/** Returns a moment relative to another one, such as `3 min ago` or `in 2 hr`. */
export function agoText(us: TimeUs, nowUs: TimeUs, locale?: Locale): string {
  const seconds = Math.trunc((us - nowUs) / SECOND_US);
  const size = Math.abs(seconds);
  // 36 hours ago can be the day before yesterday, so only "now" is a word.
  const format = relativeFormat(locale, size === 0 ? 'auto' : 'always');
  if (size < 60) return format.format(seconds, 'second');
  if (size < 3_600) return format.format(Math.trunc(seconds / 60), 'minute');
  if (size < 86_400) return format.format(Math.trunc(seconds / 3_600), 'hour');
  const days = Math.trunc(seconds / 86_400);
  if (Math.abs(days) < 31) return format.format(days, 'day');
  if (Math.abs(days) < 365) return format.format(Math.trunc(days / 30.437), 'month');
  return format.format(Math.trunc(days / 365.2425), 'year');
}

/** Returns a number with a unit of `Intl`, such as `5 min`. */
export function unitText(value: number, unit: string, locale?: Locale, fractionDigits = 0): string {
  const options: Intl.NumberFormatOptions = {
    style: 'unit',
    unit,
    unitDisplay: 'short',
    maximumFractionDigits: fractionDigits,
  };
  return numberFormat(locale, options).format(value);
}

/** Returns how many digits the fraction of a second needs: none, 3 or 6. */
function fractionDigits(us: TimeUs): number {
  if (us % SECOND_US === 0) return 0;
  return us % 1_000 === 0 ? 3 : 6;
}

/** `Intl` shows at most milliseconds; this inserts up to six digits behind the seconds. */
function withFraction(
  us: TimeUs,
  digits: number,
  options: Intl.DateTimeFormatOptions,
  locale: Locale,
): string {
  const format = dateFormat(locale, options);
  if (digits === 0) return format.format(millis(us));
  const fraction = Math.floor(floorMod(us, SECOND_US) / 10 ** (6 - digits));
  const numbers = numberFormat(locale, { minimumIntegerDigits: digits, useGrouping: false });
  const point = numberFormat(locale, {})
    .formatToParts(0.5)
    .find((part) => part.type === 'decimal');
  return format
    .formatToParts(millis(us))
    .map(({ type, value }) =>
      type === 'second' ? `${value}${point?.value ?? '.'}${numbers.format(fraction)}` : value,
    )
    .join('');
}

/** Rounds down: a moment must not appear as the next second. */
function millis(us: TimeUs): number {
  return Math.floor(us / 1_000);
}
