/** Values of readings and of statistics as text in the viewer's locale: with all their digits, or rounded. */

/** A double has at most 17 significant digits. */
const DIGITS_MAX = 17;
const SHORT_DIGITS = 6;
/** From these sizes on, numbers are written with an exponent. */
const LARGE = 1e15;
const SMALL = 1e-5;

type Format = (value: number) => string;

/** Returns the function that writes numbers with up to `digits` significant digits. */
function formatOf(digits: number, locale?: string): Format {
  const options = { maximumSignificantDigits: digits };
  const plain = new Intl.NumberFormat(locale, options);
  const exponent = new Intl.NumberFormat(locale, { ...options, notation: 'scientific' });
  return (value) => {
    const size = Math.abs(value);
    return (size >= LARGE || (size < SMALL && size > 0) ? exponent : plain).format(value);
  };
}

/** Returns the function that writes numbers with all their digits: the text stands for exactly this double. */
export function exactFormat(locale?: string): Format {
  return formatOf(DIGITS_MAX, locale);
}

/** Returns the text of a number with all its digits. */
export const exactText: Format = exactFormat();

/** Returns the text of a number, rounded to six significant digits. */
export const shortText: Format = formatOf(SHORT_DIGITS);
