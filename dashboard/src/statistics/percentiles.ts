/** The list of chosen percentiles. */

/** Maximum number of percentiles of a request. */
export const PERCENTILES_MAX = 20;

/** Returns the percentile that a person typed, with a point or a comma; `null` if it is not from 0 to 100. */
export function percentileOf(text: string): number | null {
  const digits = text.trim().replace(/\s*%$/, '').replace(',', '.');
  if (!/^(\d+\.?\d*|\.\d+)$/.test(digits)) return null;
  const percentile = Number(digits);
  return percentile <= 100 ? percentile : null;
}

/** The new list, or the reason why the list stays as it is. */
export type Addition = { percentiles: readonly number[] } | { fault: string };

/** Adds a percentile that a person typed to an ascending list. */
export function withPercentile(percentiles: readonly number[], text: string): Addition {
  const percentile = percentileOf(text);
  if (percentile === null) return { fault: 'Enter a number from 0 to 100.' };
  if (percentiles.includes(percentile)) return { fault: 'This percentile is already shown.' };
  if (percentiles.length >= PERCENTILES_MAX) {
    return { fault: `At most ${PERCENTILES_MAX} percentiles can be shown. Remove one first.` };
  }
  return { percentiles: [...percentiles, percentile].sort((a, b) => a - b) };
}
