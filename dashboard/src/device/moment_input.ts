/** Moments in the inputs of browsers for dates and times, as clocks of a zone show them. */
import { momentOf, wallOf, type Fold } from '../time/zone';

const MILLISECOND_US = 1_000;
const TEXT = /^(\d{4,})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3}))?)?$/;

/** Returns a moment as the value of an input, down to the millisecond before it. */
export function toMomentInput(us: number, zone: string): string {
  const { year, month, day, hour, minute, second, micro } = wallOf(us, zone);
  const two = (number: number) => String(number).padStart(2, '0');
  const millis = String(Math.floor(micro / MILLISECOND_US)).padStart(3, '0');
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}.${millis}`;
}

/**
 * Returns the moment of the value of an input; `null` without one. Where clocks are set back, a value has two moments:
 * `fold` chooses.
 */
export function fromMomentInput(text: string, zone: string, fold: Fold): number | null {
  const match = TEXT.exec(text);
  if (!match) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0] = match.slice(1, 6).map(Number);
  const millis = Number((match[7] ?? '').padEnd(3, '0'));
  const wall = {
    year,
    month,
    day,
    hour,
    minute,
    second: Number(match[6] ?? 0),
    micro: millis * MILLISECOND_US,
  };
  return momentOf(wall, zone, fold);
}
