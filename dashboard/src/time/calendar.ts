/**
 * Dates of the Gregorian calendar as numbers of days since 1 January 1970, for every year from 0001 to 9999 and the
 * days around them. `Date` is not used: it reads the years 0 to 99 as 1900 to 1999. Zones are in `zone.ts`.
 */

/** Day of the calendar; `month` and `day` count from 1. */
export interface CivilDate {
  year: number;
  month: number;
  day: number;
}

const DAYS_PER_400_YEARS = 146_097;

/** Returns the number of days from 1 January 1970 to a date. A month beyond 1 to 12 carries into the year. */
export function daysOfDate(year: number, month: number, day: number): number {
  const months = year * 12 + (month - 1);
  const carriedYear = Math.floor(months / 12);
  const carriedMonth = months - carriedYear * 12 + 1;
  // Years begin in March here, so that the leap day is the last day of a year.
  const y = carriedMonth <= 2 ? carriedYear - 1 : carriedYear;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (carriedMonth + (carriedMonth > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * DAYS_PER_400_YEARS + dayOfEra - 719_468;
}

/** Returns the date that lies `days` days after 1 January 1970. */
export function dateOfDays(days: number): CivilDate {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / DAYS_PER_400_YEARS);
  const dayOfEra = shifted - era * DAYS_PER_400_YEARS;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1_460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const m = Math.floor((5 * dayOfYear + 2) / 153);
  const month = m < 10 ? m + 3 : m - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * m + 2) / 5) + 1,
  };
}

/** Returns the number of days of a month. */
export function daysInMonth(year: number, month: number): number {
  return daysOfDate(year, month + 1, 1) - daysOfDate(year, month, 1);
}

/** Returns the day of the week, from 1 (Monday) to 7 (Sunday), as in ISO 8601. */
export function weekdayOfDays(days: number): number {
  return floorMod(days + 3, 7) + 1;
}

/** Returns the remainder of a division rounded down: it has the sign of the divisor. It is exact. */
export function floorMod(value: number, divisor: number): number {
  const rest = value % divisor;
  return rest !== 0 && rest < 0 !== divisor < 0 ? rest + divisor : rest + 0;
}
