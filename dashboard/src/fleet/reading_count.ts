/** The number of readings that a deletion would delete. */
import { api } from '../api/client';
import { dataUnlessEmpty, IF_EMPTY } from '../api/empty';

/** Returns the number of readings of a device. */
export async function countOfDevice(device_id: string, signal: AbortSignal): Promise<number> {
  const params = { path: { device_id }, query: IF_EMPTY };
  const response = api.GET('/api/v1/stats/devices/{device_id}/analysis', { params, signal });
  const analysis = await dataUnlessEmpty(response);
  return analysis?.x.count ?? 0;
}

/** Returns the number of readings of all devices of a user. */
export async function countOfUser(user_id: number, signal: AbortSignal): Promise<number> {
  const params = { path: { user_id }, query: IF_EMPTY };
  const response = api.GET('/api/v1/stats/users/{user_id}/analysis', { params, signal });
  const analysis = await dataUnlessEmpty(response);
  return analysis?.aggregate_stats.x.count ?? 0;
}
