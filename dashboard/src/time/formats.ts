/** Formats of `Intl`, created once for each locale and set of options: their creation is slow. */

/** Locale of a text: a BCP 47 tag, or `undefined` for the locale of the viewer's browser. */
export type Locale = string | undefined;

/** Limit of kept formats: each zone, locale and kind of text has one. */
const FORMATS_MAX = 512;

const dates = new Map<string, Intl.DateTimeFormat>();
const numbers = new Map<string, Intl.NumberFormat>();
const relatives = new Map<string, Intl.RelativeTimeFormat>();

/** Returns the format of dates with these options. It shows the Gregorian calendar, like the API. */
export function dateFormat(locale: Locale, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  return kept(
    dates,
    locale,
    options,
    () => new Intl.DateTimeFormat(locale, { calendar: 'gregory', ...options }),
  );
}

/** Returns the format of numbers with these options. */
export function numberFormat(locale: Locale, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  return kept(numbers, locale, options, () => new Intl.NumberFormat(locale, options));
}

/** Returns the format of times relative to now: `auto` has words such as `now`, `always` has numbers. */
export function relativeFormat(locale: Locale, numeric: 'auto' | 'always'): Intl.RelativeTimeFormat {
  const options: Intl.RelativeTimeFormatOptions = { numeric, style: 'short' };
  return kept(relatives, locale, options, () => new Intl.RelativeTimeFormat(locale, options));
}

function kept<T>(formats: Map<string, T>, locale: Locale, options: object, create: () => T): T {
  const key = `${locale ?? ''} ${JSON.stringify(options)}`;
  let format = formats.get(key);
  if (!format) {
    if (formats.size >= FORMATS_MAX) formats.clear();
    format = create();
    formats.set(key, format);
  }
  return format;
}

/**
 * Returns the day with which weeks begin in a locale, from 1 (Monday) to 7 (Sunday). Browsers that do not know it
 * begin weeks on Monday.
 */
export function weekStart(locale: Locale): number {
  const info = new Intl.Locale(
    locale ?? new Intl.DateTimeFormat().resolvedOptions().locale,
  ) as Intl.Locale & {
    getWeekInfo?: () => { firstDay: number };
    weekInfo?: { firstDay: number };
  };
  return info.getWeekInfo?.().firstDay ?? info.weekInfo?.firstDay ?? 1;
}
