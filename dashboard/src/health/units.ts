/** Sizes and short times as text in the viewer's locale. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** Returns a number of bytes with three digits, such as "1.02 GiB". */
export function bytesText(bytes: number): string {
  let unit = 0;
  let value = bytes;
  // 1,000 KiB would have four digits.
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  return `${new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 }).format(value)} ${UNITS[unit]}`;
}

/** Returns a time below a minute with its unit, such as "12 ms". */
export function waitText(seconds: number): string {
  const [value, unit] = seconds < 0.9995 ? [seconds * 1_000, 'ms'] : [seconds, 's'];
  return `${new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 }).format(value)} ${unit}`;
}
