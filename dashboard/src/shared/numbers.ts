/**
 * Counts, bytes and rates as text in the viewer's locale. Values of readings and of statistics are in `value-text.ts`, spans of
 * time in `time/text.ts`.
 */
import { numberFormat, type Locale } from '../time/formats';

/** Returns a whole number with all its digits. */
export function countText(count: number, locale?: Locale): string {
  return numberFormat(locale, { maximumFractionDigits: 0 }).format(count);
}

const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P', 'E'];

/** Returns a rate with three digits and a prefix, such as `9.81` or `11.9 k`. The unit stands in the heading. */
export function rateText(rate: number, locale?: Locale): string {
  return prefixed(rate, '', locale);
}

/** Returns a number of bytes with three digits and a prefix: `1.04 GB`, which are 1.04 billion bytes. */
export function bytesText(bytes: number, locale?: Locale): string {
  return prefixed(bytes, 'B', locale);
}

function prefixed(value: number, unit: string, locale: Locale): string {
  // Numbers are rounded first: 999,950 is 1 M, not 1,000 k.
  const rounded = Number(value.toPrecision(3));
  const size = Math.abs(rounded);
  let power = 0;
  while (power < PREFIXES.length - 1 && size >= 1_000 ** (power + 1)) power += 1;
  const text = numberFormat(locale, { maximumSignificantDigits: 3 }).format(rounded / 1_000 ** power);
  // A narrow space that does not break.
  const suffix = `${PREFIXES[power] ?? ''}${unit}`;
  return suffix ? `${text}\u202f${suffix}` : text;
}
