/**
 * Times as RFC 3339, with the forms and the words of the server: an optional offset, seconds and fraction, or
 * a date.
 */
import { daysInMonth, daysOfDate } from '../time/calendar';
import type { Moment } from './cells';

/** A time as a text states it: a moment, or the time of a clock without an offset. */
export interface TextTime extends Moment {
  isClock: boolean;
}

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const TIME =
  /^(\d{4})-(\d{2})-(\d{2})[Tt _](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9})\d*)?)?(?:([Zz])|([+\-\u2212])(\d{2}):?(\d{2}))?$/;
/** Offset of whole hours without minutes, as DuckDB and PostgreSQL write it. */
const WHOLE_OFFSET = /:\d\d(?:[.,]\d+)?[+-]\d{2}$/;

/** Parses a time; otherwise the reason. */
export function parseTextTime(text: string): TextTime | string {
  return parseCommon(text) ?? parseAny(text);
}

/** Parses the most common form, `2026-11-23T10:00:00.25Z`, without an expression; `null` for other forms. */
function parseCommon(text: string): TextTime | null {
  const hasMarks =
    text[4] === '-' && text[7] === '-' && text[13] === ':' && text[16] === ':' && text.endsWith('Z');
  if (!hasMarks || (text[10] !== 'T' && text[10] !== ' ')) return null;
  const length = text.length - 1;
  if (length !== 19 && (text[19] !== '.' || length < 21)) return null;
  const us = length === 19 ? 0 : digitsAt(text, 20, Math.min(length, 26)) * 10 ** Math.max(0, 26 - length);
  const rest = length > 26 ? digitsAt(text, 26, length) : 0;
  const [hour, minute, second] = [digitsAt(text, 11, 13), digitsAt(text, 14, 16), digitsAt(text, 17, 19)];
  const day = dayOf(digitsAt(text, 0, 4), digitsAt(text, 5, 7), digitsAt(text, 8, 10));
  const ofDay = secondOfDay(hour, minute, second);
  const isValid = typeof day !== 'string' && typeof ofDay !== 'string' && us + rest < Infinity;
  return isValid ? { s: day * 86_400 + ofDay, us, isClock: false } : null;
}

/** Returns the number of some digits; infinity if there are other characters. */
function digitsAt(text: string, begin: number, end: number): number {
  let number = 0;
  for (let at = begin; at < end; at += 1) {
    const digit = text.charCodeAt(at) - 48;
    if (!(digit >= 0 && digit <= 9)) return Infinity;
    number = number * 10 + digit;
  }
  return number;
}

function parseAny(text: string): TextTime | string {
  const match = TIME.exec(text) ?? (WHOLE_OFFSET.test(text) ? TIME.exec(`${text}:00`) : null);
  if (!match) return parseDate(text);
  const [, year, month, date, hour, minute, second, fraction, zulu, sign, offsetHours, offsetMinutes] = match;
  const day = dayOf(Number(year), Number(month), Number(date));
  if (typeof day === 'string') return day;
  const ofDay = secondOfDay(Number(hour), Number(minute), Number(second ?? 0));
  if (typeof ofDay === 'string') return ofDay;
  const us = fraction === undefined ? 0 : Number(fraction.slice(0, 6).padEnd(6, '0'));
  const s = day * 86_400 + ofDay;
  if (zulu) return { s, us, isClock: false };
  if (!sign) return { s, us, isClock: true };
  const offset = Number(offsetHours) * 3_600 + Number(offsetMinutes) * 60;
  if (Number(offsetMinutes) > 59) return 'timezone minute value is outside expected range of 0-59';
  if (offset >= 86_400) return 'timezone offset must be less than 24 hours';
  return { s: sign === '+' ? s - offset : s + offset, us, isClock: false };
}

function parseDate(text: string): TextTime | string {
  const match = DATE.exec(text);
  if (!match) return reasonOf(text);
  const day = dayOf(Number(match[1]), Number(match[2]), Number(match[3]));
  return typeof day === 'string' ? day : { s: day * 86_400, us: 0, isClock: true };
}

function reasonOf(text: string): string {
  if (text.length < 10) return 'input is too short';
  if (!/^\d{4}/.test(text)) return 'invalid character in year';
  if (!/^\d{4}-\d{2}-\d{2}/.test(text)) return 'invalid date separator, expected `-`';
  return 'unexpected extra characters at the end of the input';
}

/** Returns the number of a day, counted from 1970-01-01; otherwise the reason. */
export function dayOf(year: number, month: number, date: number): number | string {
  if (month < 1 || month > 12) return 'month value is outside expected range of 1-12';
  if (date < 1 || date > daysInMonth(year, month)) return 'day value is outside expected range';
  return year === 0 ? 'year 0 is out of range' : daysOfDate(year, month, date);
}

/** Returns the number of seconds since midnight; otherwise the reason. */
export function secondOfDay(hour: number, minute: number, second: number): number | string {
  if (hour > 23) return 'hour value is outside expected range of 0-23';
  if (minute > 59) return 'minute value is outside expected range of 0-59';
  if (second > 59) return 'second value is outside expected range of 0-59';
  return hour * 3_600 + minute * 60 + second;
}
