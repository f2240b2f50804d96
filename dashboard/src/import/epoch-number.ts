/**
 * Numeric times: a count of units since 1970 UTC, computed from its decimal digits, never through a double.
 * So the same instant has the same microsecond in every notation, as in the command `device-stats import`.
 */
import type { Moment } from './cells';
import type { TimeUnit } from './time-units';

/** Exponents of ten of the units in microseconds. */
const EXPONENTS: Record<TimeUnit, number> = { s: 6, ms: 3, us: 0, ns: -3 };
const NUMBER = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;
/** A time in microseconds with more digits is always out of range. */
const DIGITS_MAX = 20;
/** Largest number that stands for seconds if no unit is given. This is the rule of the server. */
const SECONDS_MAX = 20_000_000_000;
/** Start of the years 0 and 1, and end of the year 9999, in seconds since 1970. */
const YEAR_ZERO_S = -62_167_219_200;
export const YEAR_ONE_S = -62_135_596_800;
export const YEARS_END_S = 253_402_300_800;

/**
 * A number that stands for a time: its digits without leading zeros, and the number of digits before the
 * point.
 */
export interface EpochNumber {
  isNegative: boolean;
  digits: string;
  length: number;
}

/** Reads a decimal number with an optional sign, fraction and exponent; `null` for any other text. */
export function parseEpochNumber(text: string): EpochNumber | null {
  const match = NUMBER.exec(text);
  if (!match) return null;
  const [, sign, whole = '', fraction = '', exponent] = match;
  if (whole === '' && fraction === '') return null;
  const all = whole + fraction;
  const digits = all.replace(/^0+/, '');
  const length = whole.length - (all.length - digits.length) + Number(exponent ?? 0);
  return { isNegative: sign === '-', digits, length: digits === '' ? 0 : length };
}

/**
 * Returns the unit of a number without a unit: seconds up to an absolute value of 2e10, otherwise
 * milliseconds.
 */
export function inferredUnit(number: EpochNumber): TimeUnit {
  const micros = floorOf(number, EXPONENTS.s);
  return micros && (Math.abs(micros.s) < SECONDS_MAX || isExactly(micros, SECONDS_MAX)) ? 's' : 'ms';
}

function isExactly(micros: Moment, seconds: number): boolean {
  return Math.abs(micros.s) === seconds && micros.us === 0;
}

/**
 * Converts a count of units to the microsecond that contains it; otherwise the reason in words of the server.
 */
export function epochToMoment(number: EpochNumber, unit: TimeUnit): Moment | string {
  const words = number.isNegative ? 'before 0000' : 'after 9999';
  const beyond = `dates ${words} are not supported as unix timestamps`;
  const moment = floorOf(number, EXPONENTS[unit]);
  if (!moment || moment.s < YEAR_ZERO_S || moment.s >= YEARS_END_S) return beyond;
  return moment.s < YEAR_ONE_S ? 'year 0 is out of range' : moment;
}

/** Converts a whole count of units to the microsecond that contains it. */
export function countToMoment(count: bigint, unit: TimeUnit): Moment {
  const perSecond = 10 ** (EXPONENTS.s - EXPONENTS[unit]);
  const number = Number(count);
  if (unit !== 'ns' && Number.isSafeInteger(number)) {
    const rest = ((number % perSecond) + perSecond) % perSecond;
    return { s: (number - rest) / perSecond, us: rest * (1_000_000 / perSecond) };
  }
  const divisor = BigInt(perSecond);
  const rest = ((count % divisor) + divisor) % divisor;
  return { s: Number((count - rest) / divisor), us: Number((rest * 1_000_000n) / divisor) };
}

/**
 * Returns the number times a power of ten, rounded down, as microseconds; `null` if it has too many digits.
 */
function floorOf({ isNegative, digits, length }: EpochNumber, exponent: number): Moment | null {
  if (digits === '') return { s: 0, us: 0 };
  const count = length + exponent;
  if (count > DIGITS_MAX) return null;
  const kept = count > 0 ? digits.slice(0, count).padEnd(count, '0') : '';
  const hasRest = count <= 0 || /[1-9]/.test(digits.slice(count));
  const s = Number(kept.slice(0, -6) || 0);
  const us = Number(kept.slice(-6) || 0);
  if (!isNegative) return { s, us };
  // The next lower microsecond contains a negative number with a rest.
  const lower = us + (hasRest ? 1 : 0);
  return lower === 0 ? { s: 0 - s, us: 0 } : { s: -1 - s, us: 1_000_000 - lower };
}
