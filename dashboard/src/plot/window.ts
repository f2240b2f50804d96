/** Windows of time: chosen, zoomed and moved on a plot. */
import { MAX_US, MIN_US } from '../time/moment';
import type { Window } from '../time/range';

export type { Window };

/** The shortest window. Readings are at least a microsecond apart. */
export const WINDOW_MIN_US = 10;

/** Chosen windows begin and end at multiples of one of these, in microseconds. */
const STEPS_US = [
  1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 60_000_000, 600_000_000, 3_600_000_000,
];
/** Share of a window that nobody sees: less than a pixel. */
const INVISIBLE = 1 / 1_000;

/** Returns the window between two times in any order, not too short. It is widened a little, to round times. */
export function windowBetween(aUs: number, bUs: number): Window {
  const lengthUs = Math.abs(aUs - bUs);
  const stepUs = STEPS_US.findLast((stepUs) => stepUs <= lengthUs * INVISIBLE) ?? 1;
  const fromUs = Math.floor(Math.min(aUs, bUs) / stepUs) * stepUs;
  const untilUs = Math.ceil(Math.max(aUs, bUs) / stepUs) * stepUs;
  if (untilUs - fromUs >= WINDOW_MIN_US) return clamped({ fromUs, untilUs });
  const middleUs = Math.floor((fromUs + untilUs) / 2);
  // Neighbouring numbers are up to 32 µs apart in the year 9999.
  const halfUs = Math.max(WINDOW_MIN_US / 2, Math.abs(middleUs) * 2 ** -51);
  return clamped({ fromUs: Math.floor(middleUs - halfUs), untilUs: Math.ceil(middleUs + halfUs) });
}

/** Returns a window `factor` times as long, in which `atUs` stays at its place. */
export function zoomed({ fromUs, untilUs }: Window, factor: number, atUs = (fromUs + untilUs) / 2): Window {
  return windowBetween(atUs - (atUs - fromUs) * factor, atUs + (untilUs - atUs) * factor);
}

/** Returns the window moved by a part of its length: to later times if it is positive. */
export function moved({ fromUs, untilUs }: Window, part: number): Window {
  const distanceUs = Math.sign(part) * Math.round((untilUs - fromUs) * Math.abs(part));
  return clamped({ fromUs: fromUs + distanceUs, untilUs: untilUs + distanceUs });
}

export function contains({ fromUs, untilUs }: Window, timeUs: number): boolean {
  return timeUs >= fromUs && timeUs < untilUs;
}

/** Keeps a window inside the times of readings, and its length if possible. */
function clamped({ fromUs, untilUs }: Window): Window {
  const lengthUs = Math.min(untilUs - fromUs, MAX_US - MIN_US);
  const startUs = Math.min(Math.max(fromUs, MIN_US), MAX_US - lengthUs);
  return { fromUs: startUs, untilUs: startUs + lengthUs };
}
