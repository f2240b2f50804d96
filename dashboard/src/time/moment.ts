/**
 * Moments as microseconds since 1970, and the RFC 3339 text of the API.
 *
 * A `number` holds every microsecond of the years 1685 to 2255. Outside these years it holds every second, and
 * fractions of a second are rounded to 32 µs or less.
 */
import { dateOfDays, daysInMonth, daysOfDate, floorMod } from './calendar';

/** Moment in microseconds since 1970 UTC: a whole number. */
export type TimeUs = number;

export const SECOND_US = 1_000_000;
export const MINUTE_US = 60 * SECOND_US;
export const HOUR_US = 60 * MINUTE_US;
export const DAY_US = 24 * HOUR_US;

/** First moment that the API can express: the start of the year 0001. */
export const MIN_US: TimeUs = -62_135_596_800 * SECOND_US;
/** Last moment before the year 10000 that a `number` holds. */
export const MAX_US: TimeUs = 253_402_300_800 * SECOND_US - 32;

/** Returns the moment rounded to a whole microsecond, inside the years 0001 to 9999. */
export function clampUs(us: number): TimeUs {
  // The sum turns -0 into 0.
  return Math.min(Math.max(Math.round(us), MIN_US), MAX_US) + 0;
}

/** Returns the present moment of the clock of this computer. */
export function nowUs(): TimeUs {
  return Date.now() * 1_000;
}

/** Returns the start of the second of a moment, for texts in which a fraction of a second would distract. */
export function wholeSecond(us: TimeUs): TimeUs {
  return us - floorMod(us, SECOND_US);
}

const RFC_3339 =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:[.,](\d+))?(?:([Zz])|([+-])(\d{2}):?(\d{2}))?$/;

/**
 * Returns the moment of an RFC 3339 text, or `null` if the text is no such moment. A text without an offset is UTC;
 * digits after the microseconds are cut off. Moments beyond the years 0001 to 9999 are clamped.
 */
export function parseRfc3339(text: string): TimeUs | null {
  const match = RFC_3339.exec(text);
  if (!match) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const validDate = year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month);
  // 60 is a leap second, which has no number of its own: it is the first second of the next minute.
  if (!validDate || hour > 23 || minute > 59 || second > 60) return null;
  const offsetHours = Number(match[10] ?? 0);
  const offsetMinutes = Number(match[11] ?? 0);
  if (offsetHours > 23 || offsetMinutes > 59) return null;
  const offset = (offsetHours * 3_600 + offsetMinutes * 60) * (match[9] === '-' ? -1 : 1);
  const seconds = daysOfDate(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset;
  const micros = Number((match[7] ?? '').slice(0, 6).padEnd(6, '0'));
  return clampUs(seconds * SECOND_US + micros);
}

/** Returns the moment of a text that the API sent. Fails if it is no RFC 3339: then the service is faulty. */
export function momentOfApi(text: string): TimeUs {
  const us = parseRfc3339(text);
  if (us === null) throw new Error(`The service sent a time that is not RFC 3339: ${text}`);
  return us;
}

/** Returns the RFC 3339 text of a moment in UTC with microseconds, as in the responses of the API. */
export function toRfc3339(us: number): string {
  const clamped = clampUs(us);
  const micros = floorMod(clamped, SECOND_US);
  return `${secondsText(clamped - micros)}.${String(micros).padStart(6, '0')}Z`;
}

/** Returns the shortest RFC 3339 text of a moment in UTC: without the zeros at the end of the fraction. */
export function toShortRfc3339(us: number): string {
  return toRfc3339(us).replace(/\.?0+Z$/, 'Z');
}

/** `us` is a whole number of seconds. */
function secondsText(us: TimeUs): string {
  const seconds = us / SECOND_US;
  const secondOfDay = floorMod(seconds, 86_400);
  const { year, month, day } = dateOfDays((seconds - secondOfDay) / 86_400);
  const time = [Math.floor(secondOfDay / 3_600), Math.floor(secondOfDay / 60) % 60, secondOfDay % 60];
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}T${time.map(two).join(':')}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
