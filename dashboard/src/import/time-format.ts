/** Forms of times that are not RFC 3339: patterns of `strptime`, and day numbers of Excel. */
import { dayOf, secondOfDay, type TextTime } from './text-time';

/** Parses a text of one form; otherwise the reason, which follows "Input should be a valid datetime, ". */
export type TimeParser = (text: string) => TextTime | string;

/** Day number of 1970-01-01 in Excel, its first correct day (1900-03-01), and the day after 9999-12-31. */
const EXCEL_DAY_1970 = 25_569;
const EXCEL_DAY_MIN = 61;
const EXCEL_DAY_END = 2_958_466;

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const LONG_MONTHS = 'january|february|march|april|may|june|july|august|september|october|november|december';

/** Expressions of the conversions. A name marks the group whose text is used. */
const CONVERSIONS: Record<string, string> = {
  Y: '(?<Y>\\d{4})',
  y: '(?<y>\\d{2})',
  m: '(?<m>\\d{1,2})',
  d: '(?<d>\\d{1,2})',
  e: ' ?(?<d>\\d{1,2})',
  H: '(?<H>\\d{1,2})',
  I: '(?<I>\\d{1,2})',
  M: '(?<M>\\d{1,2})',
  S: '(?<S>\\d{1,2})',
  f: '(?<f>\\d{1,9})\\d*',
  '.f': '(?:[.,](?<f>\\d{1,9})\\d*)?',
  p: '(?<p>[AaPp][Mm])',
  b: `(?<b>${MONTHS.join('|')})`,
  h: `(?<b>${MONTHS.join('|')})`,
  B: `(?<b>${LONG_MONTHS})`,
  z: '(?<z>[+-]\\d{2}:?\\d{2})',
  s: '(?<s>-?\\d+)',
  '%': '%',
  F: '(?<Y>\\d{4})-(?<m>\\d{1,2})-(?<d>\\d{1,2})',
  D: '(?<m>\\d{1,2})/(?<d>\\d{1,2})/(?<y>\\d{2})',
  T: '(?<H>\\d{1,2}):(?<M>\\d{1,2}):(?<S>\\d{1,2})',
  R: '(?<H>\\d{1,2}):(?<M>\\d{1,2})',
};

/**
 * Returns the parser of a form: `excel`, or a pattern. `null` if a conversion of the pattern is not known.
 */
export function timeParser(form: string): TimeParser | null {
  if (form === 'excel') return parseExcel;
  const expression = expressionOf(form);
  if (!expression) return null;
  return (text) => {
    const groups = expression.exec(text)?.groups;
    return groups ? timeOf(groups, form) : `it does not have the form ${form}`;
  };
}

function expressionOf(pattern: string): RegExp | null {
  let source = '';
  for (const [, conversion, other] of pattern.matchAll(/%(\.f|.?)|([^%]+)/gsu)) {
    if (other !== undefined) {
      source += other.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&').replace(/\s+/g, '\\s+');
      continue;
    }
    const known = CONVERSIONS[conversion ?? ''];
    if (known === undefined) return null;
    source += known;
  }
  try {
    return source.includes('(?<') ? new RegExp(`^${source}$`, 'i') : null;
  } catch {
    return null; // A conversion is repeated.
  }
}

function timeOf(groups: Record<string, string | undefined>, pattern: string): TextTime | string {
  if (groups.s !== undefined) return { s: Number(groups.s), us: 0, isClock: false };
  const number = (name: string) => (groups[name] === undefined ? null : Number(groups[name]));
  const month = groups.b === undefined ? number('m') : MONTHS.indexOf(groups.b.slice(0, 3).toLowerCase()) + 1;
  const [year, date] = [number('Y') ?? shortYear(number('y')), number('d')];
  if (year === null || month === null || date === null) return `it does not have the form ${pattern}`;
  if (year < 1_000) return 'its year has fewer than four digits; use %y for years of two digits';
  const day = dayOf(year, month, date);
  const ofDay = secondOfDay(hourOf(groups), number('M') ?? 0, number('S') ?? 0);
  if (typeof day === 'string' || typeof ofDay === 'string') return `it does not have the form ${pattern}`;
  const us = Number((groups.f ?? '0').slice(0, 6).padEnd(6, '0'));
  const s = day * 86_400 + ofDay;
  if (groups.z === undefined) return { s, us, isClock: true };
  const [hours, minutes] = [Number(groups.z.slice(1, 3)), Number(groups.z.slice(-2))];
  const offset = (groups.z.startsWith('-') ? -1 : 1) * (hours * 3_600 + minutes * 60);
  return { s: s - offset, us, isClock: false };
}

/** Returns the year of two digits: 1969 to 2068, as in POSIX. */
function shortYear(year: number | null): number | null {
  return year === null ? null : year + (year < 69 ? 2_000 : 1_900);
}

/** Returns the hour of a day; one above 23 if it is not valid. */
function hourOf({ H, I, p }: Record<string, string | undefined>): number {
  if (I === undefined) return Number(H ?? 0);
  const hour = Number(I);
  if (hour < 1 || hour > 12) return 24;
  return (hour % 12) + (p?.toLowerCase() === 'pm' ? 12 : 0);
}

/** Reads a day number, rounded to the millisecond: Excel shows no more digits. */
function parseExcel(text: string): TextTime | string {
  const day = text === '' ? Number.NaN : Number(text.replace(',', '.'));
  if (!(day >= EXCEL_DAY_MIN && day < EXCEL_DAY_END)) {
    return 'it is no day number of Excel from 61 (1 March 1900) to 2958465 (the year 9999)';
  }
  const millis = Math.round((day - EXCEL_DAY_1970) * 86_400_000);
  const s = Math.floor(millis / 1_000);
  return { s, us: (millis - s * 1_000) * 1_000, isClock: true };
}
