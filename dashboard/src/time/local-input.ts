/** Moments as values of `<input type="datetime-local">`, in any zone. */
import { daysInMonth } from './calendar';
import type { TimeUs } from './moment';
import { momentOf, wallOf } from './zone';

const VALUE = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?$/;

/** Returns the moment of a value in a zone, to the second; `null` if the value is empty or not complete. */
export function momentOfInput(value: string, zone: string): TimeUs | null {
  const match = VALUE.exec(value);
  if (!match) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1)
    .map((part) => Number(part ?? 0));
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return null;
  if (hour > 23 || minute > 59 || second > 59) return null;
  return momentOf({ year, month, day, hour, minute, second, micro: 0 }, zone);
}

/** Returns the value of a moment in a zone, to the minute; seconds are cut off. */
export function inputOfMoment(us: TimeUs, zone: string): string {
  const { year, month, day, hour, minute } = wallOf(us, zone);
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
