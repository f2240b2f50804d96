/** The range of values that a plot shows, and the round values on its vertical axis. */

import { numberFormat } from '../time/formats';

/** A range of values: `low` is less than `high`, and both are finite. */
export interface ValueRange {
  low: number;
  high: number;
}

/** Share of the height that stays free above and below the values. */
const PADDING = 0.04;
/** The ends of a range are multiples of about this part of it. */
const ROUND_PARTS = 20;
const MULTIPLES = [1, 2, 5, 10];

/**
 * Returns a range that contains all values and some space around them. Without values it is 0 to 1. Its ends are round,
 * so that a small change of the values changes nothing.
 */
export function rangeOf(values: Iterable<number | null | undefined>): ValueRange {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value === null || value === undefined || Number.isNaN(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return { low: 0, high: 1 };
  // Halves, because the difference of two doubles may be beyond their range.
  let padding = (high / 2 - low / 2) * 2 * PADDING;
  if (low === high) padding = low === 0 ? 1 : Math.abs(low) * 0.05;
  if (!Number.isFinite(padding)) padding = 0;
  return rounded(spread({ low: finite(low - padding), high: finite(high + padding) }));
}

/** Returns the least round number that is a multiple of a power of ten and not less than a positive number. */
function roundStep(least: number): number {
  const decade = 10 ** Math.floor(Math.log10(least));
  return (MULTIPLES.find((multiple) => multiple * decade >= least * (1 - 1e-9)) ?? 10) * decade;
}

/** Widens a range to multiples of a part of it. */
function rounded({ low, high }: ValueRange): ValueRange {
  const step = roundStep((high / 2 - low / 2) / (ROUND_PARTS / 2));
  const [from, until] = [Math.floor(low / step) * step, Math.ceil(high / step) * step];
  const isWider = from <= low && until >= high && Number.isFinite(until - from);
  return isWider ? { low: from, high: until } : { low, high };
}

/** Returns the position of a value in a range: 0 at the lower end, 1 at the upper end. */
export function positionIn({ low, high }: ValueRange, value: number): number {
  return (value / 2 - low / 2) / (high / 2 - low / 2);
}

/** Returns the value at a position of a range. */
export function valueAt({ low, high }: ValueRange, position: number): number {
  return low * (1 - position) + high * position;
}

/** Returns up to `countMax` + 1 round values within a range, ascending, and the distance between them. */
export function valueTicks({ low, high }: ValueRange, countMax: number): { values: number[]; step: number } {
  const least = (high / 2 - low / 2) / (Math.max(countMax, 1) / 2);
  const step = roundStep(least);
  if (!Number.isFinite(step) || step === 0) return { values: [], step: high - low };
  const values: number[] = [];
  const first = Math.ceil(low / step);
  for (let nth = 0; nth <= countMax; nth += 1) {
    const value = Number(((first + nth) * step).toPrecision(15)) + 0;
    if (value > high) break;
    if (value >= low && value !== values.at(-1)) values.push(value);
  }
  return { values, step };
}

/** Numbers from here on, and steps below its inverse, are written with powers of ten. */
const LARGE = 1e6;

/** Returns texts for the values of an axis, short, and with as many digits as tell neighbours apart. */
export function tickTexts(values: readonly number[], step: number, locale?: string): string[] {
  const largest = Math.max(0, ...values.map(Math.abs));
  if (largest >= LARGE || step < 1 / LARGE) {
    const digits = Math.ceil(Math.log10(largest / step)) + 1;
    const maximumSignificantDigits = Math.min(Math.max(Number.isFinite(digits) ? digits : 1, 1), 17);
    const format = numberFormat(locale, { notation: 'scientific', maximumSignificantDigits });
    return values.map((value) => (value === 0 ? '0' : format.format(value)));
  }
  const digits = Math.min(Math.max(-Math.floor(Math.log10(step) + 1e-9), 0), 20);
  const format = numberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return values.map((value) => format.format(value));
}

function finite(value: number): number {
  return Math.min(Math.max(value, -Number.MAX_VALUE), Number.MAX_VALUE);
}

/** Widens a range whose ends are the same double or neighbours. */
function spread({ low, high }: ValueRange): ValueRange {
  if (high / 2 - low / 2 > 4 * Number.MIN_VALUE) return { low, high };
  return low >= 0 ? { low, high: low + 1 } : { low: high - 1, high };
}
