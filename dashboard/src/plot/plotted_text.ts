/** Texts of values with the digits that can be seen in a plot. */
import { numberFormat, type Locale } from '../time/formats';
import type { ValueRange } from './value_range';

/** Values from here on, and values that need more than these digits after the point, are written with powers of ten. */
const LARGE = 1e9;
const FRACTION_DIGITS_MAX = 12;
/** Digits that tell values in a range apart: a thousandth of a plot is less than a pixel. */
const RANGE_DIGITS = 3;
/** A double has at most 17 significant digits. */
const DIGITS_MAX = 17;

/** Returns a value of a plot with a range, without the digits that nobody can see in it. All have the same digits. */
export function plottedText(value: number, { low, high }: ValueRange, locale?: Locale): string {
  const span = (high / 2 - low / 2) * 2;
  const digits = Math.max(0, RANGE_DIGITS - Math.floor(Math.log10(span)));
  const isPlain = Math.max(Math.abs(low), Math.abs(high)) < LARGE && digits <= FRACTION_DIGITS_MAX;
  if (isPlain) {
    // A small negative value is 0.00, not -0.00.
    const isZero = Math.abs(value) < 0.5 * 10 ** -digits;
    const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    return numberFormat(locale, options).format(isZero ? 0 : value);
  }
  const significant = Math.ceil(Math.log10(Math.abs(value) / span)) + RANGE_DIGITS + 1;
  if (value === 0 || significant < 1) return numberFormat(locale, {}).format(0);
  return numberFormat(locale, {
    notation: 'scientific',
    maximumSignificantDigits: Math.min(Number.isFinite(significant) ? significant : 1, DIGITS_MAX),
  }).format(value);
}
