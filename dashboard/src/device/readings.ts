/** The readings of a device in a span of time: their pages, their number, and their deletion. */
import { api, dataOf, type Reading } from '../api/client';
import { dataUnlessEmpty, IF_EMPTY } from '../api/empty';
import { toRfc3339 } from '../time/moment';
import type { Window } from '../plot/window';

/** Readings of a page: the maximum of the service. */
export const PAGE_SIZE = 100;

/** A page of readings, newest first. */
export interface ReadingPage {
  readings: Reading[];
  /** The end of the next page, exclusive, as text; `null` on the last page. */
  next: string | null;
}

/** Returns the readings of a span before `until`, newest first. The times of a page tell where the next one begins. */
export async function listReadings(
  device_id: string,
  { fromUs }: Window,
  until: string,
  signal: AbortSignal,
): Promise<ReadingPage> {
  const query = { start_time: toRfc3339(fromUs), until, limit: PAGE_SIZE };
  const readings = await dataOf(
    api.GET('/api/v1/stats/devices/{device_id}', { params: { path: { device_id }, query }, signal }),
  );
  const last = readings.at(-1);
  return { readings, next: readings.length < PAGE_SIZE || !last ? null : last.timestamp };
}

/** Returns the number of readings of a span, given its first page. */
export async function countReadings(
  device_id: string,
  span: Window,
  { readings, next }: ReadingPage,
  signal: AbortSignal,
): Promise<number> {
  if (next === null) return readings.length;
  const params = { path: { device_id }, query: { ...periodOf(span), ...IF_EMPTY } };
  const response = api.GET('/api/v1/stats/devices/{device_id}/analysis', { params, signal });
  return (await dataUnlessEmpty(response))?.x.count ?? 0;
}

/** Deletes the readings of a span. Returns their number. */
export async function deleteReadings(device_id: string, span: Window): Promise<number> {
  const params = { path: { device_id }, query: periodOf(span) };
  const { deleted } = await dataOf(api.DELETE('/api/v1/stats/devices/{device_id}', { params }));
  return deleted;
}

function periodOf({ fromUs, untilUs }: Window) {
  return { start_time: toRfc3339(fromUs), until: toRfc3339(untilUs) };
}
