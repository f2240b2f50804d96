/** Dates and times written by hand: the ends of a range. `typed-range.ts` combines them. */
import { daysInMonth, daysOfDate } from './calendar';
import { dateFormat, type Locale } from './formats';
import { DAY_US, HOUR_US, MINUTE_US, SECOND_US, type TimeUs } from './moment';
import { dayOf } from './zone';
import { calendarWindow, type Here } from './calendar-window';

/** Whole days: the first, and the first one after them, counted since 1 January 1970. */
export interface Days {
  from: number;
  until: number;
}

/** End of a range: a moment, a span of days, a time on a day, or a time whose day is open. */
export type End =
  | { kind: 'moment'; us: TimeUs }
  | { kind: 'days'; days: Days }
  | { kind: 'time'; days: Days | null; time: TimeOfDay };

export interface TimeOfDay {
  /** Microseconds since midnight on the clock. */
  us: number;
  /** Whether `am` or `pm` was written. */
  hasHalf: boolean;
}

/** Text that has the form of a date but is none, or has two meanings. */
export class TextFault extends Error {}

const TIME =
  /(?:^|[\s,T]|\bat\s)(\d{1,2})(?::(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?\s*(?:([ap])\.?m\.?)?$/i;
const OFFSET = /\s*(?:(z|utc|gmt)|([+-])(\d{2}):?(\d{2}))$/i;

/** Returns the end of a range that a text names; `null` if the text is none. Throws a `TextFault`. */
export function parseEnd(text: string, here: Here): End | null {
  const trimmed = text.trim();
  if (/^now$/i.test(trimmed)) return { kind: 'moment', us: here.nowUs };
  const [, ago] = /^(.*\S)\s+ago$/i.exec(trimmed) ?? [];
  const seconds = ago === undefined ? null : parseSpan(ago);
  if (seconds !== null) return { kind: 'moment', us: here.nowUs - seconds * SECOND_US };
  const time = splitTime(trimmed);
  if (!time) {
    const days = parseDays(trimmed, here);
    return days && { kind: 'days', days };
  }
  if (time.before === '') return { kind: 'time', days: null, time };
  const days = parseDays(time.before, here);
  if (!days || days.until - days.from !== 1) return null;
  if (time.offsetUs === null) return { kind: 'time', days, time };
  return { kind: 'moment', us: days.from * DAY_US + time.us - time.offsetUs };
}

/** Splits a text into the time at its end and the text before it. */
function splitTime(text: string): (TimeOfDay & { before: string; offsetUs: number | null }) | null {
  for (const offset of [OFFSET.exec(text), null]) {
    const rest = offset ? text.slice(0, offset.index) : text;
    const match = TIME.exec(rest);
    const [, hourText, minute, second, fraction, half] = match ?? [];
    if (!match || (minute === undefined && half === undefined)) continue;
    const us = timeOfDay(Number(hourText), Number(minute ?? 0), Number(second ?? 0), half);
    if (us === null) continue;
    const before = rest.slice(0, match.index).replace(/,$/, '').trim();
    if (offset && before === '') continue;
    const micros = Number((fraction ?? '').slice(0, 6).padEnd(6, '0'));
    return { us: us + micros, hasHalf: half !== undefined, before, offsetUs: offset && offsetOf(offset) };
  }
  return null;
}

function offsetOf([, , sign, hours, minutes]: RegExpExecArray): number {
  return (Number(hours ?? 0) * HOUR_US + Number(minutes ?? 0) * MINUTE_US) * (sign === '-' ? -1 : 1);
}

/** `24:00` is the end of the day. */
function timeOfDay(hour: number, minute: number, second: number, half: string | undefined): number | null {
  if (minute > 59 || second > 59 || (half !== undefined && (hour < 1 || hour > 12))) return null;
  if (hour > 23 && !(hour === 24 && minute === 0 && second === 0)) return null;
  const hours = half === undefined ? hour : (hour % 12) + (half.toLowerCase() === 'p' ? 12 : 0);
  return hours * HOUR_US + minute * MINUTE_US + second * SECOND_US;
}

/** Returns the days that a text names: a day, a month, or a year. Throws a `TextFault`. */
export function parseDays(text: string, here: Here): Days | null {
  const lower = text.toLowerCase().replace(/\s+/g, ' ');
  const named = ['yesterday', 'today', 'tomorrow'].indexOf(lower);
  if (named >= 0) {
    const day = dayOf(here.nowUs, here.zone) + named - 1;
    return { from: day, until: day + 1 };
  }
  const [, which, unit] = /^(this|last) (week|month|year)$/.exec(lower) ?? [];
  if (unit) {
    const { fromUs, untilUs } = calendarWindow(
      unit as 'week' | 'month' | 'year',
      which === 'last' ? -1 : 0,
      here,
    );
    return { from: dayOf(fromUs, here.zone), until: dayOf(untilUs, here.zone) };
  }
  return parseNumbers(lower) ?? parseMonthName(lower, here.locale);
}

function parseNumbers(text: string): Days | null {
  const iso = /^(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?$/.exec(text);
  if (iso) return daysOf(Number(iso[1]), numberOrNull(iso[2]), numberOrNull(iso[3]));
  const dotted = /^(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})$/.exec(text);
  if (dotted) return daysOf(Number(dotted[3]), Number(dotted[2]), Number(dotted[1]));
  const slashes = /^(\d{1,2})([/-])(\d{1,2})\2(\d{4})$/.exec(text);
  if (!slashes) return null;
  const [first, second, year] = [Number(slashes[1]), Number(slashes[3]), Number(slashes[4])];
  if (first <= 12 && second <= 12 && first !== second) {
    const iso = (month: number, day: number): string =>
      [year, ...[month, day].map((part) => String(part).padStart(2, '0'))].join('-');
    throw new TextFault(
      `“${text}” has two meanings. Write ${iso(second, first)} or ${iso(first, second)} instead.`,
    );
  }
  return first > 12 ? daysOf(year, second, first) : daysOf(year, first, second);
}

/** Reads `3 Nov 2026`, `Nov 3, 2026` and `November 2026`, with English names and those of the locale. */
function parseMonthName(text: string, locale: Locale): Days | null {
  const match =
    /^(?:(\d{1,2})\.? (?:of )?)?(\p{L}[\p{L}\p{M}]*)\.?(?: (\d{1,2})(?:st|nd|rd|th)?)?,?(?: (\d{4}))$/u.exec(
      text,
    );
  if (!match) return null;
  const [, before, name = '', after, year] = match;
  const month = monthNamed(name, locale);
  if (month === null || (before && after)) return null;
  return daysOf(Number(year), month, numberOrNull(before ?? after));
}

function monthNamed(name: string, locale: Locale): number | null {
  for (let month = 1; month <= 12; month += 1) {
    for (const language of ['en', locale]) {
      const options: Intl.DateTimeFormatOptions = { month: 'long', day: 'numeric', timeZone: 'UTC' };
      // In some languages, the name of a month is inflected beside a day.
      const parts = dateFormat(language, options).formatToParts(Date.UTC(2000, month - 1, 15));
      const whole = parts.find((part) => part.type === 'month')?.value.toLowerCase() ?? '';
      if (name.length >= 3 && whole.startsWith(name)) return month;
    }
  }
  return null;
}

function numberOrNull(text: string | undefined): number | null {
  return text === undefined ? null : Number(text);
}

function daysOf(year: number, month: number | null, day: number | null): Days {
  if (year < 1) throw new TextFault('Years begin with 0001.');
  if (month === null) return { from: daysOfDate(year, 1, 1), until: daysOfDate(year + 1, 1, 1) };
  if (month < 1 || month > 12) throw new TextFault(`There is no month ${month}.`);
  if (day === null) return { from: daysOfDate(year, month, 1), until: daysOfDate(year, month + 1, 1) };
  const most = daysInMonth(year, month);
  if (day < 1 || day > most) {
    const name = dateFormat('en', { month: 'long', timeZone: 'UTC' }).format(Date.UTC(2000, month - 1, 15));
    throw new TextFault(`${name} ${year} has ${most} days.`);
  }
  const from = daysOfDate(year, month, day);
  return { from, until: from + 1 };
}

const UNIT_SECONDS: [names: RegExp, seconds: number][] = [
  [/^(us|µs|μs|microseconds?)$/, 1e-6],
  [/^(ms|milliseconds?)$/, 1e-3],
  [/^(s|secs?|seconds?)$/, 1],
  [/^(m|mins?|minutes?)$/, 60],
  [/^(h|hrs?|hours?)$/, 3_600],
  [/^(d|days?)$/, 86_400],
  [/^(w|wks?|weeks?)$/, 7 * 86_400],
  [/^(mos?|months?)$/, 30 * 86_400],
  [/^(y|yrs?|years?)$/, 365 * 86_400],
];

/** Returns the seconds of a span such as `90 min` or `1 h 30 min`; `null` if the text is none. */
export function parseSpan(text: string): number | null {
  const lower = text.trim().toLowerCase();
  if (!/^(?:\d+(?:[.,]\d+)?\s*[a-zµμ]+\.?,?\s*)+$/.test(lower)) return null;
  let seconds = 0;
  for (const [, count = '', unit = ''] of lower.matchAll(/(\d+(?:[.,]\d+)?)\s*([a-zµμ]+)/g)) {
    const size = UNIT_SECONDS.find(([names]) => names.test(unit))?.[1];
    if (size === undefined) return null;
    seconds += Number(count.replace(',', '.')) * size;
  }
  return seconds;
}
