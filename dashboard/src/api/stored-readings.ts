/** The presence of readings in the service, and the requests that tell of them. */
import { momentOfApi, toRfc3339, type TimeUs } from '../time/moment';
import type { Window } from '../time/range';
import { api, dataOf } from './client';
import { Presence, type Latest } from './presence';

/** Devices of a page of latest readings: the most that the service allows. */
const LATEST_MAX = 1_000;

async function newestIn(deviceId: string, window: Window | null): Promise<TimeUs | null> {
  const period = window && { start_time: toRfc3339(window.fromUs), until: toRfc3339(window.untilUs) };
  const params = { path: { device_id: deviceId }, query: { limit: 1, ...period } };
  const [newest] = await dataOf(api.GET('/api/v1/stats/devices/{device_id}', { params }));
  return newest ? momentOfApi(newest.timestamp) : null;
}

async function latestOf(userId: number): Promise<readonly Latest[] | null> {
  const query = { user_id: userId, limit: LATEST_MAX };
  const devices = await dataOf(api.GET('/api/v1/stats/latest', { params: { query } }));
  if (devices.length >= LATEST_MAX) return null;
  return devices.map(({ device_id, reading }) => ({
    deviceId: device_id,
    timeUs: reading ? momentOfApi(reading.timestamp) : null,
  }));
}

export const presence = new Presence({ newestIn, latestOf });
