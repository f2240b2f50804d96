/** Values of the types of Arrow and Parquet. */
import type { TypedTime } from './cells';
import { countToMoment } from './epoch-number';
import type { TimeUnit } from './time-units';

/** Returns the digits of a decimal number. */
export function decimalText(unscaled: bigint, scale: number): string {
  if (scale <= 0) return String(unscaled * 10n ** BigInt(-scale));
  const sign = unscaled < 0n ? '-' : '';
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** Returns a time of day in microseconds: `10:00:00.250000`. */
export function timeOfDayText(count: bigint, unit: TimeUnit): string {
  const { s, us } = countToMoment(count, unit);
  const digits = (number: number, length = 2) => String(number).padStart(length, '0');
  return `${digits(Math.floor(s / 3_600))}:${digits(Math.floor(s / 60) % 60)}:${digits(s % 60)}.${digits(us, 6)}`;
}

/** Returns a count of units since 1970 as a time: a moment, or the time of a clock. */
export function timeOfCount(count: bigint, unit: TimeUnit, isMoment: boolean): TypedTime {
  return { ...countToMoment(count, unit), kind: isMoment ? 'moment' : 'clock' };
}

export function dateCell(days: number): TypedTime {
  return { s: days * 86_400, us: 0, kind: 'date' };
}

/** Returns the number of a half float (IEEE 754, binary16). */
export function halfOf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = (bits & 0x3ff) / 1024;
  if (exponent === 0) return sign * 2 ** -14 * fraction;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Infinity;
  return sign * 2 ** (exponent - 15) * (1 + fraction);
}
