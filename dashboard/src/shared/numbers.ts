/**
 * Numbers as text in the viewer's locale: exact for statistics that people compare and copy, short for tight places.
 * Units of time are in `time/text.ts`.
 */
import { numberFormat, type Locale } from '../time/formats';

/** Stands for a number that does not exist, such as a sum beyond the range of a double. */
export const NO_NUMBER = '–';

/** Limit of `Intl` for the digits of a number. More than the 17 digits that a double can need. */
const DIGITS_MAX = 21;

/**
 * Returns a double with all its digits: the fewest that give the same double again, as in the API. Like in JSON, very
 * large and very small numbers have an exponent.
 */
export function exactText(value: number | null, locale?: Locale): string {
  if (value === null) return NO_NUMBER;
  // `Intl` formats the digits of a text as they are. It would round a number to the digits of its binary value.
  const digits = String(value + 0) as Intl.StringNumericLiteral;
  const notation = digits.includes('e') ? 'scientific' : 'standard';
  return numberFormat(locale, { notation, maximumSignificantDigits: DIGITS_MAX }).format(digits);
}

/** Returns a whole number with all its digits. */
export function countText(count: number, locale?: Locale): string {
  return numberFormat(locale, { maximumFractionDigits: 0 }).format(count);
}

/** Returns a number with at most `digits` significant digits, with an exponent if it is very large or very small. */
export function shortText(value: number | null, digits = 4, locale?: Locale): string {
  if (value === null) return NO_NUMBER;
  const size = Math.abs(value);
  const notation = size !== 0 && (size < 1e-4 || size >= 1e7) ? 'scientific' : 'standard';
  return numberFormat(locale, { notation, maximumSignificantDigits: digits }).format(value + 0);
}

const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P', 'E'];

/** Returns a count with three digits and a prefix: `812`, `1.04 M`. */
export function shortCountText(count: number, locale?: Locale): string {
  return prefixed(count, '', locale);
}

/** Returns a number of bytes with three digits and a prefix: `1.04 GB`, which are 1.04 billion bytes. */
export function bytesText(bytes: number, locale?: Locale): string {
  return prefixed(bytes, 'B', locale);
}

/** Returns a rate per second with three digits and a prefix. The unit stands in the heading. */
export function rateText(perSecond: number, locale?: Locale): string {
  return prefixed(perSecond, '', locale);
}

const RATES: [unit: string, seconds: number][] = [
  ['s', 1],
  ['min', 60],
  ['h', 3_600],
  ['d', 86_400],
];

/** Returns a rate with the unit of time in which it is at least 1: `9.8/s`, `2/h`. */
export function rateWithUnitText(perSecond: number, locale?: Locale): string {
  const found = perSecond === 0 ? RATES[0] : RATES.find(([, seconds]) => perSecond * seconds >= 0.9995);
  const [unit, seconds] = found ?? ['d', 86_400];
  return `${prefixed(perSecond * seconds, '', locale)}/${unit}`;
}

function prefixed(value: number, unit: string, locale: Locale): string {
  // Numbers are rounded first: 999,950 is 1 M, not 1,000 k.
  const rounded = Number(value.toPrecision(3));
  const size = Math.abs(rounded);
  let power = 0;
  while (power < PREFIXES.length - 1 && size >= 1_000 ** (power + 1)) power += 1;
  const text = numberFormat(locale, { maximumSignificantDigits: 3 }).format(rounded / 1_000 ** power);
  const suffix = `${PREFIXES[power] ?? ''}${unit}`;
  // A narrow space that does not break.
  return suffix ? `${text}\u202f${suffix}` : text;
}
