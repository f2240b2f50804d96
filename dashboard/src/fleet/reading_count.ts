/** The number of readings that a deletion would delete. */
import { api, dataOf } from '../api/client';
import { ApiFault } from '../api/fault';

/** Returns the number of readings of a device. */
export function countOfDevice(device_id: string, signal: AbortSignal): Promise<number> {
  const path = { device_id };
  const analysis = dataOf(
    api.GET('/api/v1/stats/devices/{device_id}/analysis', { params: { path }, signal }),
  );
  return countOf(analysis.then((analysis) => analysis.x.count));
}

/** Returns the number of readings of all devices of a user. */
export function countOfUser(user_id: number, signal: AbortSignal): Promise<number> {
  const path = { user_id };
  const analysis = dataOf(api.GET('/api/v1/stats/users/{user_id}/analysis', { params: { path }, signal }));
  return countOf(analysis.then((analysis) => analysis.aggregate_stats.x.count));
}

/** Without readings, the service answers with 404. */
async function countOf(count: Promise<number>): Promise<number> {
  try {
    return await count;
  } catch (fault) {
    if (fault instanceof ApiFault && fault.code === 'no_readings') return 0;
    throw fault;
  }
}
