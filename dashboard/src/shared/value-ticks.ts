/** Round values on an axis. */

const STEPS = [1, 2, 2.5, 5, 10];

/** Returns up to `most + 1` round values from `low` to `high`, in equal distances, ascending. */
export function valueTicks(low: number, high: number, most: number): number[] {
  const span = high / most - low / most;
  if (!(span > 0) || span > 1e307) return [];
  const power = 10 ** Math.floor(Math.log10(span));
  if (power === 0) return [];
  const step = power * (STEPS.find((step) => step * power >= span) ?? 10);
  const [first, last] = [Math.ceil(low / step), Math.floor(high / step)];
  // Very large values with very small distances have no round values between them.
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(last)) return [];
  const digits = Math.max(0, 1 - Math.floor(Math.log10(step)));
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => rounded((first + i) * step, digits));
}

/** Removes the error of the multiplication: 3 * 0.1 is not 0.3. */
function rounded(value: number, digits: number): number {
  return digits > 0 && digits <= 100 ? Number(value.toFixed(digits)) : value;
}
