/** Guesses the form of times that are not RFC 3339, by the first rows. */
import { cellText, isTypedTime, type SourceRow } from './cells';
import { parseEpochNumber } from './epoch-number';
import { planOf, type Mapping } from './mapping';
import { parseTextTime } from './text-time';
import { timeParser } from './time-format';

const DATES = [
  '%d.%m.%Y',
  '%d.%m.%y',
  '%d/%m/%Y',
  '%m/%d/%Y',
  '%d/%m/%y',
  '%m/%d/%y',
  '%d-%m-%Y',
  '%m-%d-%Y',
  '%Y/%m/%d',
  '%Y.%m.%d',
];
const CLOCKS = [' %H:%M:%S%.f', ', %H:%M:%S%.f', 'T%H:%M:%S%.f', ' %H:%M', ' %I:%M:%S %p', ' %I:%M %p', ''];
/** Forms that the page offers, with the most common ones first. */
export const FORMS: readonly string[] = [
  ...DATES.flatMap((date) => CLOCKS.map((clock) => date + clock)),
  '%Y%m%d%H%M%S',
  '%Y%m%d %H%M%S',
  '%Y%m%dT%H%M%S',
];

/** Day numbers of Excel that may be times of readings: the years 1982 to 2118. */
const EXCEL_DAY_MIN = 30_000;
const EXCEL_DAY_MAX = 80_000;

/** Returns the forms that all times of the first rows have; none if they need no form. */
export function formsOf(mapping: Pick<Mapping, 'roles'>, rows: readonly SourceRow[]): string[] {
  const texts = timesOf(mapping, rows);
  if (texts.length === 0 || texts.every(isStandard)) return [];
  const isExcel = texts.every((text) => {
    const day = Number(text.replace(',', '.'));
    return day >= EXCEL_DAY_MIN && day <= EXCEL_DAY_MAX;
  });
  if (isExcel) return ['excel'];
  return FORMS.filter((form) => {
    const parse = timeParser(form);
    return parse !== null && texts.every((text) => typeof parse(text) !== 'string');
  });
}

/**
 * Returns whether a text needs no form: it is RFC 3339, or a number that is no date such as 20261123100000.
 */
function isStandard(text: string): boolean {
  const number = parseEpochNumber(text);
  if (!number) return typeof parseTextTime(text) !== 'string';
  return number.length >= 9 && !/^(?:19|20)\d{12}$/.test(text);
}

/** Returns whether a time of the first rows is a number. */
export function hasNumericTimes(mapping: Pick<Mapping, 'roles'>, rows: readonly SourceRow[]): boolean {
  return timesOf(mapping, rows).some((text) => parseEpochNumber(text) !== null);
}

/** Returns whether a time of the first rows has no offset, so that its zone matters. */
export function hasClockTimes(
  mapping: Pick<Mapping, 'roles' | 'times'>,
  rows: readonly SourceRow[],
): boolean {
  const { timestamp } = planOf(mapping.roles);
  if (timestamp === null) return false;
  const cells = rows.map((row) => row.cells[timestamp]).filter((cell) => isTypedTime(cell));
  if (cells.length > 0) return cells.some((cell) => cell.kind !== 'moment');
  const parse = mapping.times.form === null ? null : timeParser(mapping.times.form);
  return timesOf(mapping, rows).some((text) => {
    if (!parse && parseEpochNumber(text)) return false;
    const time = (parse ?? parseTextTime)(text);
    return typeof time !== 'string' && time.isClock;
  });
}

function timesOf({ roles }: Pick<Mapping, 'roles'>, rows: readonly SourceRow[]): string[] {
  const { timestamp, time_of_day: ofDay } = planOf(roles);
  if (timestamp === null) return [];
  const texts: string[] = [];
  for (const { cells, problem } of rows) {
    if (problem !== undefined || (isTypedTime(cells[timestamp]) && ofDay === null)) continue;
    const date = cellText(cells[timestamp]).trim();
    const text = ofDay === null ? date : `${date} ${cellText(cells[ofDay]).trim()}`.trim();
    if (text !== '') texts.push(text);
  }
  return texts;
}
