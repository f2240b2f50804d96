/** The points of a path: readings in order of time, in columns. */
import type { Schema } from '../api/client';
import type { LiveReading } from '../live/messages';
import { momentOfApi } from '../time/moment';

export interface Points {
  timesUs: readonly number[];
  x: readonly number[];
  y: readonly number[];
  z: readonly number[];
}

export const NO_POINTS: Points = { timesUs: [], x: [], y: [], z: [] };

/** Returns the points of a response. */
export function pointsOf({ timestamps, x, y, z }: Schema['Path']): Points {
  return { timesUs: timestamps.map(momentOfApi), x, y, z };
}

/**
 * Returns the points with live readings after their end. Readings that are not later than the last point are left out:
 * repeats, and late readings, which the next request contains.
 */
export function extended(points: Points, readings: readonly LiveReading[]): Points {
  let lastUs = points.timesUs.at(-1) ?? -Infinity;
  const added = [...readings]
    .sort((a, b) => a.timeUs - b.timeUs)
    .filter(({ timeUs }) => {
      const isLater = timeUs > lastUs;
      if (isLater) lastUs = timeUs;
      return isLater;
    });
  if (added.length === 0) return points;
  return {
    timesUs: [...points.timesUs, ...added.map(({ timeUs }) => timeUs)],
    x: [...points.x, ...added.map(({ x }) => x)],
    y: [...points.y, ...added.map(({ y }) => y)],
    z: [...points.z, ...added.map(({ z }) => z)],
  };
}

/** Returns the points inside a window. */
export function within(points: Points, { fromUs, untilUs }: { fromUs: number; untilUs: number }): Points {
  const start = points.timesUs.findIndex((timeUs) => timeUs >= fromUs);
  const end = points.timesUs.findIndex((timeUs) => timeUs >= untilUs);
  if (start < 0 || end === 0) return NO_POINTS;
  if (start === 0 && end < 0) return points;
  const cut = <T>(column: readonly T[]) => column.slice(start, end < 0 ? undefined : end);
  return { timesUs: cut(points.timesUs), x: cut(points.x), y: cut(points.y), z: cut(points.z) };
}
